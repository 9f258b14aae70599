import type { MysqlPool, MysqlPoolConnection } from 'kysely'
import { atDeadline } from '../../runtime/deadline.ts'
import { StoreError } from '../../runtime/errors.ts'
import { aliveWithinMs, doubtAfterMs, ignore } from './connections.ts'
import { isConnectionLost } from './driver-errors.ts'

/** The part of mysql2's callback API that is used. */
export interface RawConnection {
  query(
    sql: string,
    parameters: readonly unknown[],
    callback: (error: unknown, result: unknown) => void,
  ): unknown
  connect(callback: (error: unknown) => void): void
  end(callback: () => void): void
  release(): void
  destroy(): void
  on(event: 'error' | 'connect', listener: (error: unknown) => void): unknown
  listeners(event: 'error'): unknown[]
  /** The socket, or its replacement under TLS. */
  stream?: { ref?(): void; unref?(): void }
}
/** The same for its pools. */
export interface RawPool {
  getConnection(callback: (error: unknown, connection: RawConnection) => void): void
  end(callback: (error: unknown) => void): void
}
/** How the connections of a pool are used. */
interface Use {
  /** Longest time for a statement, in milliseconds. */
  deadlineMs: number
  /** Ends a wait. */
  cuts: Set<() => void>
  /** Whether the server accepts connections; called when a statement takes long. */
  isAlive?: () => Promise<boolean>
  /** @param isBroken it was cut. Default: back to an application's pool. */
  giveBack?: (connection: RawConnection, isBroken: boolean) => void
}

/** mysql2 waits forever for a free connection. This waits as long as for the answer to one statement. */
export function guardPool(pool: RawPool, use: Use): MysqlPool {
  const { deadlineMs, cuts } = use
  return {
    getConnection(callback) {
      let late = false
      const giveUp = () => {
        if (late) return
        late = true
        settle()
        callback(timeoutError(deadlineMs), undefined as never)
      }
      const cancel = atDeadline(deadlineMs, giveUp)
      const settle = () => {
        cuts.delete(giveUp)
        cancel()
      }
      cuts.add(giveUp)
      pool.getConnection((error, connection) => {
        settle()
        if (late) connection?.release()
        else if (error !== null && error !== undefined) callback(error, undefined as never)
        else callback(undefined, guardConnection(listenedTo(connection), use))
        late = true
      })
    },
    end: (callback) => pool.end(callback),
  }
}

/** mysql2 listens for the first error only. A next one, such as EPIPE, would end the process. */
export function listenedTo(connection: RawConnection): RawConnection {
  if (!connection.listeners('error').includes(ignore)) connection.on('error', ignore)
  return connection
}

/** A connection without an answer by the deadline is cut and not returned to the pool. */
export function guardConnection(
  connection: RawConnection,
  { deadlineMs, cuts, isAlive, giveBack = release }: Use,
): MysqlPoolConnection {
  let failure: unknown
  const query = (
    text: string,
    parameters: readonly unknown[],
    callback: (error: unknown, result: unknown) => void,
  ): void => {
    if (failure !== undefined) {
      callback(failure, undefined)
      return
    }
    let answered = false
    const answer = (error: unknown, result: unknown) => {
      if (answered) return
      answered = true
      cuts.delete(cut)
      cancel()
      clearTimeout(doubt)
      if (isConnectionLost(error)) failure ??= error
      callback(error, result)
    }
    const cut = () => giveUp(deadlineMs)
    const giveUp = (afterMs: number) => {
      if (answered) return
      failure = timeoutError(afterMs)
      // mysql2 does not report it.
      connection.destroy()
      answer(failure, undefined)
    }
    const cancel = atDeadline(deadlineMs, cut)
    const doubt = setTimeout(async () => {
      if (isAlive !== undefined && !(await isAlive())) setImmediate(giveUp, doubtAfterMs + aliveWithinMs)
    }, doubtAfterMs)
    cuts.add(cut)
    connection.query(text, parameters, answer)
  }
  return {
    query: query as unknown as MysqlPoolConnection['query'],
    release: () => giveBack(connection, failure !== undefined),
  }
}

function release(connection: RawConnection, isBroken: boolean): void {
  if (isBroken) connection.destroy()
  else connection.release()
}

function timeoutError(deadlineMs: number): StoreError {
  return new StoreError('store_timeout', `The database did not answer within ${deadlineMs} ms.`)
}

import { Kysely, MysqlDialect, type MysqlPool, type MysqlPoolConnection } from 'kysely'
import { StoreError } from '../../keys/errors.ts'
import {
  type Connections,
  idleInTransactionMs,
  poolSize,
  readerDeadlineMs,
  writerDeadlineMs,
} from './connections.ts'
import { importDriver } from './driver-import.ts'

/** The part of mysql2's callback API that is used. */
interface RawConnection {
  query(
    sql: string,
    parameters: readonly unknown[],
    callback: (error: unknown, result: unknown) => void,
  ): unknown
  release(): void
  destroy(): void
  /** The socket, or what stands in for it under TLS. */
  stream?: { ref?(): void; unref?(): void }
}
interface RawPool {
  on(event: 'connection', listener: (connection: RawConnection) => void): unknown
  getConnection(callback: (error: unknown, connection: RawConnection) => void): void
  end(callback: (error: unknown) => void): void
}
interface MysqlDriver {
  createPool(config: object): RawPool
}

const brief = `set session idle_transaction_timeout = ${idleInTransactionMs / 1_000}`

/** Opens two pools to a server; nothing is connected yet. @throws StoreError `missing_driver`. */
export async function openMysql(url: string): Promise<Connections> {
  const module = await importDriver('mysql2', 'MySQL')
  const driver = (module.default ?? module) as unknown as MysqlDriver
  const borrowed = new WeakSet<RawConnection>()
  const [reader, writer] = [readerDeadlineMs, writerDeadlineMs].map((deadlineMs) => {
    const pool = createPool(driver, {
      uri: url,
      // Whatever the URL says: in another character set text would arrive changed.
      charset: 'UTF8MB4_UNICODE_CI',
      connectionLimit: poolSize,
      connectTimeout: deadlineMs,
      enableKeepAlive: true,
      // Times are numbers; a number beyond 2^53 would be one that nobody wrote.
      supportBigNumbers: true,
    })
    // MariaDB only; in MySQL nothing of the kind can be set, and the answer is an error.
    pool.on('connection', (connection) => {
      connection.query(brief, [], () => {
        if (!borrowed.has(connection)) connection.stream?.unref?.()
      })
    })
    return new Kysely<unknown>({ dialect: new MysqlDialect({ pool: guardPool(pool, deadlineMs, borrowed) }) })
  }) as [Kysely<unknown>, Kysely<unknown>]
  return {
    reader,
    writer,
    close: async () => {
      await Promise.all([reader.destroy(), writer.destroy()])
    },
  }
}

/** What a driver says about the parameters of a URL quotes them, a passphrase included. */
function createPool(driver: MysqlDriver, config: object): RawPool {
  try {
    return driver.createPool(config)
  } catch {
    throw new StoreError('store_unavailable', 'The driver mysql2 does not accept the parameters of the URL.')
  }
}

/**
 * mysql2 waits for a free connection for ever; here as long as for the answer to one statement. A connection keeps the
 * process running while it is borrowed and not while it is idle, so that a script which closes nothing comes to its end.
 */
function guardPool(pool: RawPool, deadlineMs: number, borrowed: WeakSet<RawConnection>): MysqlPool {
  return {
    getConnection(callback) {
      let late = false
      const timer = setTimeout(() => {
        setImmediate(() => {
          late = true
          callback(timeoutError(deadlineMs), undefined as never)
        })
      }, deadlineMs)
      pool.getConnection((error, connection) => {
        clearTimeout(timer)
        if (late) connection?.release()
        else if (error !== null && error !== undefined) callback(error, undefined as never)
        else {
          borrowed.add(connection)
          connection.stream?.ref?.()
          callback(undefined, guardConnection(connection, deadlineMs, borrowed))
        }
      })
    },
    end: (callback) => pool.end(callback),
  }
}

/** A connection that does not answer by the deadline is cut rather than handed back. */
function guardConnection(
  connection: RawConnection,
  deadlineMs: number,
  borrowed: WeakSet<RawConnection>,
): MysqlPoolConnection {
  let cut: StoreError | undefined
  const query = (
    text: string,
    parameters: readonly unknown[],
    callback: (error: unknown, result: unknown) => void,
  ): void => {
    if (cut !== undefined) {
      callback(cut, undefined)
      return
    }
    let answered = false
    const answer = (error: unknown, result: unknown) => {
      if (answered) return
      answered = true
      clearTimeout(timer)
      callback(error, result)
    }
    const timer = setTimeout(() => {
      setImmediate(() => {
        if (answered) return
        cut = timeoutError(deadlineMs)
        connection.destroy()
        answer(cut, undefined)
      })
    }, deadlineMs)
    connection.query(text, parameters, answer)
  }
  return {
    query: query as unknown as MysqlPoolConnection['query'],
    release: () => {
      if (cut !== undefined) return
      borrowed.delete(connection)
      connection.stream?.unref?.()
      connection.release()
    },
  }
}

function timeoutError(deadlineMs: number): StoreError {
  return new StoreError('store_timeout', `The database did not answer within ${deadlineMs} ms.`)
}

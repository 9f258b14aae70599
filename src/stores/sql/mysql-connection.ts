import { Kysely, MysqlDialect, type MysqlPool, type MysqlPoolConnection } from 'kysely'
import { atDeadline } from '../../runtime/deadline.ts'
import { StoreError } from '../../runtime/errors.ts'
import {
  aliveWithinMs,
  type Connections,
  doubtAfterMs,
  idleInTransactionMs,
  ignore,
  longestConnectMs,
  openBoth,
  poolSize,
  readerDeadlineMs,
} from './connections.ts'
import { type DriverModule, driverOr } from './given-driver.ts'
import { mysqlText } from './mysql-text.ts'

/** The part of mysql2's callback API that is used. */
interface RawConnection {
  query(
    sql: string,
    parameters: readonly unknown[],
    callback: (error: unknown, result: unknown) => void,
  ): unknown
  release(): void
  destroy(): void
  on(event: 'error', listener: () => void): unknown
  listeners(event: 'error'): unknown[]
  /** The socket, or its replacement under TLS. */
  stream?: { ref?(): void; unref?(): void }
}
/** The same for its pools. */
export interface RawPool {
  on(event: 'connection', listener: (connection: RawConnection) => void): unknown
  getConnection(callback: (error: unknown, connection: RawConnection) => void): void
  end(callback: (error: unknown) => void): void
}
interface ProbeConnection {
  on(event: 'error' | 'connect', listener: (error: unknown) => void): unknown
  destroy(): void
}
/** A pool of `mysql2/promise` wraps one with callbacks, and its connections return promises. */
interface MysqlDriver {
  createPool(config: object): RawPool | { pool: RawPool }
  createConnection(config: object): ProbeConnection | Promise<ProbeConnection>
}

/**
 * Settings that the statements rely on, whatever the server's defaults: each statement is a transaction of
 * its own, text arrives as it was sent, and a value that does not fit is an error.
 */
const session =
  "set names utf8mb4, session autocommit = 1, session sql_mode = 'STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION'"
/** Not for writes: a server that logs statements refuses them at this level. */
const committedReads = 'set session transaction isolation level read committed'
/** Below it, a server may show changes that are undone later; above it, a read would wait for changes. */
const repeatableReads = 'set session transaction isolation level repeatable read'
/**
 * Only MariaDB knows these. The second: a node of a Galera cluster answers only after it has applied what the
 * others have committed.
 */
const mariadbSession = [
  `set session idle_transaction_timeout = ${idleInTransactionMs / 1_000}`,
  'set session wsrep_sync_wait = 1',
]

/** Creates two pools; nothing is connected yet. @throws StoreError `missing_driver`. */
export async function openMysql(url: string, given?: DriverModule): Promise<Connections> {
  const driver = (await driverOr(given, 'mysql2', 'MySQL')) as unknown as MysqlDriver
  const borrowed = new WeakSet<RawConnection>()
  const cuts = new Set<() => void>()
  const both = openBoth((deadlineMs) => {
    const pool = createPool(driver, {
      uri: url,
      // Whatever the URL says: another character set would change text.
      charset: 'UTF8MB4_UNICODE_CI',
      connectionLimit: poolSize,
      connectTimeout: Math.min(deadlineMs, longestConnectMs),
      enableKeepAlive: true,
      // Times are numbers. Nobody writes a number beyond 2^53.
      supportBigNumbers: true,
    })
    const isReader = deadlineMs === readerDeadlineMs
    pool.on('connection', (connection) => {
      // These come first in the connection's queue. If they fail, the connection must not be used.
      const needed = [session, isReader ? committedReads : repeatableReads]
      for (const statement of needed)
        connection.query(statement, [], (error) => error && connection.destroy())
      for (const statement of mariadbSession)
        connection.query(statement, [], () => {
          if (!borrowed.has(connection)) connection.stream?.unref?.()
        })
    })
    const kysely = new Kysely<unknown>({
      dialect: new MysqlDialect({
        pool: guardPool({ pool, deadlineMs, cuts, borrowed, isAlive: () => isAlive(driver, url) }),
      }),
    })
    return kysely.withPlugin(mysqlText)
  })
  return {
    ...both,
    cut() {
      for (const cut of [...cuts]) cut()
    },
  }
}

/** A driver's error about the parameters of a URL quotes them, including a passphrase. */
function createPool(driver: MysqlDriver, config: object): RawPool {
  try {
    const pool = driver.createPool(config)
    return 'pool' in pool ? pool.pool : pool
  } catch {
    throw new StoreError('store_unavailable', 'The driver mysql2 does not accept the parameters of the URL.')
  }
}

/** A pool, and how its connections are used. */
interface Guarded {
  pool: RawPool
  deadlineMs: number
  /** Ends a wait. */
  cuts: Set<() => void>
  /**
   * Tracks which connections are in use. A borrowed connection keeps the process running, an idle one does
   * not, so that a script which closes nothing can end. Undefined for an application's pool, where others
   * rely on its behaviour.
   */
  borrowed?: WeakSet<RawConnection>
  /** Whether the server accepts connections; called when a statement takes long. */
  isAlive?: () => Promise<boolean>
}

/** mysql2 waits forever for a free connection. This waits as long as for the answer to one statement. */
export function guardPool(guarded: Guarded): MysqlPool {
  const { pool, deadlineMs, cuts, borrowed } = guarded
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
        else {
          // mysql2 listens for the first error only. A next one, such as EPIPE, would end the process.
          if (!connection.listeners('error').includes(ignore)) connection.on('error', ignore)
          if (borrowed !== undefined) {
            borrowed.add(connection)
            connection.stream?.ref?.()
          }
          callback(undefined, guardConnection(connection, guarded))
        }
        late = true
      })
    },
    end: (callback) => pool.end(callback),
  }
}

/** A connection without an answer by the deadline is cut and not returned to the pool. */
function guardConnection(
  connection: RawConnection,
  { deadlineMs, cuts, borrowed, isAlive }: Guarded,
): MysqlPoolConnection {
  let failure: StoreError | undefined
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
    release: () => {
      if (failure !== undefined) return
      if (borrowed?.delete(connection)) connection.stream?.unref?.()
      connection.release()
    },
  }
}

/** A server that refuses the connection has answered, too. */
function isAlive(driver: MysqlDriver, url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = driver.createConnection({ uri: url, connectTimeout: aliveWithinMs })
    const settle = (alive: boolean) => {
      cancel()
      if (!(probe instanceof Promise)) probe.destroy()
      resolve(alive)
    }
    const cancel = atDeadline(aliveWithinMs, () => settle(false))
    if (probe instanceof Promise) {
      probe.then(
        (made) => {
          made.destroy()
          settle(true)
        },
        (error: unknown) => settle((error as { code?: unknown } | null)?.code !== 'ETIMEDOUT'),
      )
    } else {
      probe.on('connect', () => settle(true))
      probe.on('error', (error) => settle((error as { code?: unknown } | null)?.code !== 'ETIMEDOUT'))
    }
  })
}

function timeoutError(deadlineMs: number): StoreError {
  return new StoreError('store_timeout', `The database did not answer within ${deadlineMs} ms.`)
}

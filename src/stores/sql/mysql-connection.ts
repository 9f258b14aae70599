import type { Socket } from 'node:net'
import { Kysely, MysqlDialect } from 'kysely'
import { atDeadline } from '../../runtime/deadline.ts'
import { StoreError } from '../../runtime/errors.ts'
import { createAliveness } from './aliveness.ts'
import { createConnectionPool } from './connection-pool.ts'
import {
  aliveWithinMs,
  type Connections,
  idleInTransactionMs,
  openBoth,
  readerDeadlineMs,
} from './connections.ts'
import { type DriverModule, driverOr } from './given-driver.ts'
import { guardConnection, listenedTo, type RawConnection } from './mysql-guard.ts'
import { mysqlText } from './mysql-text.ts'
import { makeSocket } from './own-socket.ts'

/** `mysql2/promise` wraps what has callbacks. */
interface MysqlDriver {
  createConnection(config: object): RawConnection | Promise<{ connection: RawConnection }>
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
 * Only MariaDB knows these. The second, which not every build has: a node of a Galera cluster answers only after
 * it has applied what the others have committed.
 */
const idleSession = `set session idle_transaction_timeout = ${idleInTransactionMs / 1_000}`
const mariadbSession = `${idleSession}, session wsrep_sync_wait = 1`

/** Creates two pools; nothing is connected yet. @throws StoreError `missing_driver`. */
export async function openMysql(url: string, given?: DriverModule): Promise<Connections> {
  const driver = (await driverOr(given, 'mysql2', 'MySQL')) as unknown as MysqlDriver
  const cuts = new Set<() => void>()
  const isAlive = createAliveness(() => isMysqlAlive(driver, url))
  const both = openBoth((deadlineMs) => {
    const isolation = deadlineMs === readerDeadlineMs ? committedReads : repeatableReads
    const pool = createConnectionPool<RawConnection>({
      async connect(over) {
        let socket: Socket | undefined
        const connection = await connect(driver, url, (made) => {
          socket = over(made)
          return socket
        })
        // What the server says between two statements is why it ends the connection.
        connection.on('error', () => socket?.destroy())
        await setUp(connection, isolation)
        return connection
      },
      rest: ({ stream }) => stream?.unref?.(),
      wake: ({ stream }) => stream?.ref?.(),
      end: (connection) => connection.end(() => {}),
      deadlineMs,
    })
    cuts.add(pool.cut)
    const guard = { deadlineMs, cuts, isAlive, giveBack: pool.giveBack }
    const dialect = new MysqlDialect({
      pool: {
        getConnection: (callback) =>
          pool.borrow().then(
            (connection) => callback(undefined, guardConnection(connection, guard)),
            (error) => callback(error, undefined as never),
          ),
        end: (callback) => pool.end().then(() => callback(undefined), callback),
      },
    })
    return new Kysely<unknown>({ dialect }).withPlugin(mysqlText)
  })
  return {
    ...both,
    cut() {
      for (const cut of [...cuts]) cut()
    },
  }
}

/** The session of a new connection. One without it must not be used. */
async function setUp(connection: RawConnection, isolation: string): Promise<void> {
  const ask = (statement: string) =>
    new Promise<void>((resolve, reject) => {
      connection.query(statement, [], (error) => (error ? reject(error) : resolve()))
    })
  try {
    await ask(session)
    await ask(isolation)
  } catch (error) {
    connection.destroy()
    throw error
  }
  await ask(mariadbSession)
    .catch(() => ask(idleSession))
    .catch(() => {})
}

/** Where mysql2 connects. */
interface Address {
  host: string
  port: number
  socketPath?: string
}

function connectSocket({ host, port, socketPath }: Address): Socket {
  const socket = makeSocket()
  if (socketPath) return socket.connect(socketPath)
  return socket.connect(port, host).setNoDelay(true).setKeepAlive(true)
}

async function connect(
  driver: MysqlDriver,
  url: string,
  over: (socket: Socket) => Socket,
): Promise<RawConnection> {
  const made = createConnection(driver, {
    uri: withoutShaping(url),
    // Whatever the URL says: another character set would change text.
    charset: 'UTF8MB4_UNICODE_CI',
    // The pool has a limit of its own.
    connectTimeout: 0,
    // Times are numbers. Nobody writes a number beyond 2^53.
    supportBigNumbers: true,
    stream: ({ config }: { config: Address }) => over(connectSocket(config)),
  })
  if (made instanceof Promise) return listenedTo((await made).connection)
  const connection = listenedTo(made)
  await new Promise<void>((resolve, reject) => {
    connection.connect((error) => (error ? reject(error) : resolve()))
  })
  return connection
}

/** Parameters of mysql2 that change what it sends, or the shape of what is read. Statements here rely on the defaults. */
const shaping = [
  'bigNumberStrings',
  'dateStrings',
  'decimalNumbers',
  'isServer',
  'jsonStrings',
  'namedPlaceholders',
  'nestTables',
  'queryFormat',
  'rowsAsArray',
  'stringifyObjects',
  'supportBigNumbers',
  'typeCast',
]

/** A URL that an application uses for its own connections may have them: they mean nothing for ours. */
function withoutShaping(url: string): string {
  const parsed = new URL(url)
  const found = shaping.filter((name) => parsed.searchParams.has(name))
  for (const name of found) parsed.searchParams.delete(name)
  return found.length === 0 ? url : parsed.href
}

/** A driver's error about the parameters of a URL quotes them, including a passphrase. */
function createConnection(driver: MysqlDriver, config: object): ReturnType<MysqlDriver['createConnection']> {
  try {
    return driver.createConnection(config)
  } catch {
    throw new StoreError('store_unavailable', 'The driver mysql2 does not accept the parameters of the URL.')
  }
}

/** A server that refuses the connection has answered, too. */
function isMysqlAlive(driver: MysqlDriver, url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = driver.createConnection({ uri: withoutShaping(url), connectTimeout: aliveWithinMs })
    const settle = (alive: boolean) => {
      cancel()
      if (!(probe instanceof Promise)) probe.destroy()
      resolve(alive)
    }
    const cancel = atDeadline(aliveWithinMs, () => settle(false))
    if (probe instanceof Promise) {
      probe.then(
        (made) => {
          made.connection.destroy()
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

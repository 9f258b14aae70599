import { StoreError } from '../../runtime/errors.ts'
import { inTransactionError, isBusyWithRows, unfinishedError } from './open-transaction.ts'
import { explainSqlite, primarySqliteCode } from './sqlite-failure.ts'

/** The error fields of drivers that are read: pg and libsql `code`, mysql2 `errno`, node:sqlite `errcode`. */
interface DriverError {
  code?: unknown
  errno?: unknown
  errcode?: unknown
  rawCode?: unknown
  message?: unknown
}

/** Busy, locked. */
const sqliteBusy = new Set<unknown>([5, 6])
/** Deadlock, lock wait timeout, record changed since last read (MariaDB's snapshot isolation). */
const mysqlTransient = new Set<unknown>([1213, 1205, 1020])
/** Serialization failure, deadlock, lock not available. */
const postgresTransient = new Set<unknown>(['40001', '40P01', '55P03'])

/** Whether the database asks to retry the whole transaction. */
function isTransient(error: unknown): boolean {
  const { code, errno } = (error ?? {}) as DriverError
  return (
    postgresTransient.has(code) ||
    mysqlTransient.has(errno) ||
    sqliteBusy.has(primarySqliteCode(error)) ||
    (typeof code === 'string' && (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')))
  )
}

/** Whether a row with this primary key or unique column exists already. */
export function isDuplicate(error: unknown): boolean {
  const { code, errno, errcode, rawCode } = (error ?? {}) as DriverError
  return (
    code === '23505' ||
    errno === 1062 ||
    code === 'SQLITE_CONSTRAINT_UNIQUE' ||
    code === 'SQLITE_CONSTRAINT_PRIMARYKEY' ||
    [2067, 1555].some((extended) => errcode === extended || rawCode === extended)
  )
}

/**
 * Ended by the server or the network, in the words of pg, PostgreSQL, pgbouncer, mysql2, MariaDB and MySQL.
 */
const lostCodes = new Set<unknown>([
  'ECONNRESET',
  'EPIPE',
  'ECONNABORTED',
  'PROTOCOL_CONNECTION_LOST',
  '57P01',
  '57P02',
  '57P05',
  '08003',
  '08006',
  '08P01',
])
/** Server shutdown, connection killed, gone away, lost, idle for too long. */
const lostNumbers = new Set<unknown>([1053, 1927, 2006, 2013, 3169, 4031])
/** A connection that could not be made in time is not a lost one: a retry would take the same time again. */
const lostMessages =
  /connection terminated(?! due to connection timeout)|not queryable|client was closed|in closed state|connection is closed/i

/** Whether the statement's connection is gone. */
export function isConnectionLost(error: unknown): boolean {
  const { code, errno, message } = (error ?? {}) as DriverError
  return (
    lostCodes.has(code) ||
    lostNumbers.has(errno) ||
    (typeof message === 'string' && lostMessages.test(message))
  )
}

/**
 * Explains faults of the tables: a dump of an older version was restored under a running process, or somebody
 * dropped them.
 */
function toSchemaError(error: unknown): StoreError | undefined {
  const { code, errno, message } = (error ?? {}) as DriverError
  const text = typeof message === 'string' ? message : ''
  if (code === '42P01' || code === '3F000' || errno === 1146 || /no such table/.test(text)) {
    return new StoreError(
      'schema_missing',
      'Tables are missing: restore them, or call migrate() on the store once.',
    )
  }
  if (code === '42703' || errno === 1054 || /no such column/.test(text)) {
    return new StoreError(
      'schema_outdated',
      'The tables are not of the version that this code needs: call migrate() on the store once.',
    )
  }
  return undefined
}

/** The error of `begin` inside a transaction, and of any statement of PostgreSQL inside a failed one. */
function isInTransaction(error: unknown): boolean {
  const { code, message } = (error ?? {}) as DriverError
  return (
    code === '25001' ||
    code === '25P02' ||
    (typeof message === 'string' && message.includes('transaction within a transaction'))
  )
}

/** Milliseconds until a statement that keeps meeting locks is given up. */
const patienceMs = 5_000
const firstPauseMs = 4
const longestPauseMs = 200

/** Repeats `work` while the database asks for it, after pauses of random length. */
export async function retryTransient<T>(work: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + patienceMs
  for (let attempt = 0; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** attempt) * (0.5 + Math.random())
      if (!isTransient(error) || performance.now() + pauseMs > deadline) throw error
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
  }
}

/** What pg says of bytes that are not PostgreSQL's: which one depends on the length of the other server's name. */
const otherProtocol = /unexpected \w+ message from backend|received invalid response|unknown message code/i

/** Too many connections: of the server, of the database or the user; in MySQL also of what a user may ask for in an hour. */
const noRoom = new Set<unknown>(['53300', 1040, 1203, 1226])

/** Whether the server takes no further connection. */
export function hasNoRoom(error: unknown): boolean {
  const { code, errno } = (error ?? {}) as DriverError
  return noRoom.has(code) || noRoom.has(errno)
}

/** A text holds a character that the database cannot store: an encoding such as LATIN1 has only 191. */
export class UnstorableText extends StoreError {
  constructor() {
    super('store_unavailable', 'The database cannot hold one of the characters.')
  }
}

/** Others held what was needed for as long as is waited for it, such as a SQLite file. */
export class StillBusy extends StoreError {}

/** Untranslatable character, character not in repertoire. */
const postgresUnstorable = new Set<unknown>(['22P05', '22021'])
/** Incorrect string value, conversion impossible. */
const mysqlUnstorable = new Set<unknown>([1366, 3854, 3988])

function isUnstorable(error: unknown): boolean {
  const { code, errno } = (error ?? {}) as DriverError
  return postgresUnstorable.has(code) || mysqlUnstorable.has(errno)
}

/**
 * What the outside sees of a driver's error. The error itself is dropped: mysql2 attaches the whole statement
 * to it, hashes included, and every database quotes the values of a violated constraint.
 */
export function toStoreError(error: unknown): StoreError {
  if (error instanceof StoreError) return error
  if (isUnstorable(error)) return new UnstorableText()
  if (isInTransaction(error)) return inTransactionError()
  if (error instanceof Error && isBusyWithRows(error.message)) return unfinishedError()
  const explained = toSchemaError(error) ?? explainSqlite(error)
  if (explained !== undefined) return explained
  const { code, errno, message } = (error ?? {}) as DriverError
  if (typeof message === 'string' && otherProtocol.test(message)) {
    return new StoreError(
      'store_unavailable',
      'What answers there does not speak the protocol of PostgreSQL. If it is MariaDB or MySQL, the URL begins with mysql://.',
    )
  }
  const shownCode = [code, errno].find((value) => typeof value === 'string' || typeof value === 'number')
  const text = typeof message === 'string' && !isDuplicate(error) ? scrub(message) : ''
  const details = [text, shownCode === undefined ? '' : `[${shownCode}]`].filter((part) => part !== '')
  const shown = `The database failed: ${details.join(' ') || 'no reason given'}`
  const Kind = isTransient(error) ? StillBusy : StoreError
  return new Kind('store_unavailable', shown)
}

/** The first line, without anything that could be a hash, a secret, or a quoted value other than a name. */
function scrub(message: string): string {
  const line = (message.split('\n', 1)[0] as string).slice(0, 300)
  return line.replace(/[^\x20-\x7e]+/g, '?').replace(/[0-9A-Za-z]{24,}/g, '…')
}

import { StoreError } from '../../runtime/errors.ts'

const checkRights = 'who may write the file and its folder, and whether the file system is read-only'

/** What to do about a result of SQLite, by its primary code. */
const advice: ReadonlyMap<number, readonly [name: string, told: string]> = new Map([
  [8, ['SQLITE_READONLY', `The SQLite file cannot be written to: check ${checkRights}.`]],
  [10, ['SQLITE_IOERR', 'The SQLite file could not be read or written: check the disk.']],
  [11, ['SQLITE_CORRUPT', 'The SQLite file is damaged: restore it from a backup.']],
  [13, ['SQLITE_FULL', 'The SQLite file cannot grow: the disk is full, or a quota is used up.']],
  [14, ['SQLITE_CANTOPEN', `The SQLite file cannot be opened: check the path, ${checkRights}.`]],
  [26, ['SQLITE_NOTADB', 'The file is no SQLite database, or it is encrypted: check the path.']],
])

interface DriverError {
  code?: unknown
  /** Of node:sqlite. */
  errcode?: unknown
  /** Of libsql. */
  rawCode?: unknown
  message?: unknown
}

/** Extended codes, such as 1544 of a folder that cannot be written, end with the primary one. */
export function primarySqliteCode(error: unknown): number | undefined {
  const { code, errcode, rawCode, message } = (error ?? {}) as DriverError
  const number = [errcode, rawCode].find((value) => typeof value === 'number')
  if (typeof number === 'number') return number & 0xff
  // libsql has it in the text alone when it opens a file.
  const opening = typeof message === 'string' && /^ConnectionFailed\(.*: (\d+)"\)$/.exec(message)
  if (opening) return Number(opening[1]) & 0xff
  // better-sqlite3 has names, such as SQLITE_READONLY_DIRECTORY.
  if (typeof code !== 'string') return undefined
  return [...advice].find(([, [name]]) => code === name || code.startsWith(`${name}_`))?.[0]
}

/** Explains an error of a driver of SQLite. The driver's own text says neither what is wrong nor what to do. */
export function explainSqlite(error: unknown): StoreError | undefined {
  return adviseFor(primarySqliteCode(error))
}

/** The folder or the file could not be made. */
export function explainFile(error: unknown): StoreError {
  const { code, message } = error as NodeJS.ErrnoException
  const isFull = code === 'ENOSPC' || code === 'EDQUOT'
  return adviseFor(isFull ? 13 : code === 'EROFS' ? 8 : 14, ` ${message}.`) as StoreError
}

function adviseFor(primary: number | undefined, more = ''): StoreError | undefined {
  const [name, told] = advice.get(primary ?? 0) ?? []
  return name === undefined ? undefined : new StoreError('store_unavailable', `${told}${more} [${name}]`)
}

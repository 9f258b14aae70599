import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Kysely, SqliteDialect } from 'kysely'
import { StoreError } from '../../runtime/errors.ts'
import type { Connections } from './connections.ts'
import { retryTransient } from './driver-errors.ts'
import type { DriverModule } from './given-driver.ts'
import { loadSqlite, type OpenSqlite, type SqliteDatabase } from './sqlite-drivers.ts'
import { explainFile } from './sqlite-failure.ts'
import {
  type FileIdentity,
  forget,
  identifyFile,
  makeFile,
  remember,
  removeForeignLog,
} from './sqlite-file.ts'

/**
 * Statements block the process, so it waits for other writers between them (`retryTransient`) and only
 * briefly inside. FULL: an acknowledged change survives a power cut; with WAL alone the last ones could be
 * lost.
 */
const pragmas = ['PRAGMA busy_timeout = 20', 'PRAGMA journal_mode = WAL', 'PRAGMA synchronous = FULL']

/** An open file, and its identity. */
interface OpenFile {
  readonly database: SqliteDatabase
  /** Undefined for `:memory:`. */
  readonly file?: FileIdentity
}

/**
 * Opens a file, making it and its folder when they are missing, or `:memory:`. @throws StoreError
 * `missing_driver`.
 */
export async function openSqlite(path: string, given?: DriverModule): Promise<Connections> {
  const open = await loadSqlite(given)
  const inMemory = path === ':memory:'
  if (!inMemory) await mkdir(dirname(path), { recursive: true }).catch(refuseFile)
  let current: OpenFile | undefined = inMemory
    ? { database: await openOne(open, path) }
    : await openFile(open, path)

  const db = new Kysely<unknown>({
    dialect: new SqliteDialect({
      database: {
        prepare: (sql) => opened().prepare(sql),
        close() {
          emptyLog()
          shut()
        },
      },
    }),
  })

  function opened(): SqliteDatabase {
    if (current === undefined) throw new StoreError('store_unavailable', 'The SQLite file is not open.')
    return current.database
  }

  /**
   * With libsql the log stays until all statements are garbage collected: a copy of the closed file would lack what is in it,
   * and another file that is put in its place be read with it.
   */
  function emptyLog(): void {
    if (current?.file === undefined || current.file !== identifyFile(path)) return
    try {
      current.database.emptyLog?.()
    } catch {
      // The file is no worse than with a process that is killed.
    }
  }

  /** SQLite leaves the log of a file behind that is not at its path any more. */
  function shut(): void {
    const before = current
    current = undefined
    before?.database.close()
    if (before?.file === undefined) return
    removeForeignLog(path)
    forget(before.database)
  }

  function isCurrent(): boolean {
    const file = identifyFile(path)
    if (file === undefined) {
      throw new StoreError('store_unavailable', 'The SQLite file is not at its path any more: put it back.')
    }
    return file === current?.file
  }

  async function replace(): Promise<boolean> {
    if (isCurrent()) return false
    shut()
    current = await openFile(open, path)
    return true
  }

  return {
    reader: db,
    writer: db,
    ...(!inMemory && {
      // There is one connection, and its user is alone: no transaction is under way.
      followFile: async () => !isCurrent() && db.connection().execute(replace),
    }),
    close: () => db.destroy(),
  }
}

function makeMissing(path: string): FileIdentity | undefined {
  try {
    return makeFile(path)
  } catch (error) {
    return refuseFile(error)
  }
}

function refuseFile(error: unknown): never {
  throw explainFile(error)
}

/** Opens the file at the path, and remembers its identity. */
async function openFile(open: OpenSqlite, path: string): Promise<OpenFile> {
  for (;;) {
    const expected = makeMissing(path)
    removeForeignLog(path)
    const database = await openOne(open, path)
    const file = identifyFile(path)
    if (file !== undefined && file === expected) {
      remember(database, path, file)
      return { database, file }
    }
    database.close()
  }
}

/** Reads something, because only then is there a log. */
const firstRead = 'select count(*) from sqlite_master'

async function openOne(open: OpenSqlite, path: string): Promise<SqliteDatabase> {
  const database = open(path)
  try {
    for (const sql of [...pragmas, firstRead]) {
      await retryTransient(async () => {
        const statement = database.prepare(sql)
        return statement.reader ? statement.all([]) : statement.run([])
      })
    }
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

import { StoreError } from '../../runtime/errors.ts'
import { createPauses } from '../../runtime/pauses.ts'
import { inBackground } from '../../runtime/timers.ts'
import { closeInTime } from './closing.ts'
import type { Connections } from './connections.ts'
import type { Database, MigratedDatabase } from './database.ts'
import { toStoreError } from './driver-errors.ts'
import { migrate } from './migration.ts'
import { findPrimaryExpression } from './primary.ts'
import type { Room } from './room.ts'
import { assertCurrent, readSchemaState } from './schema-version.ts'
import { assertSqlMode } from './sql-mode.ts'
import type { ResolvedSqlStore } from './store-options.ts'
import { nameTables } from './table-names.ts'

/** The database of one store: opened and looked at by the first call, and again after a failure. */
export interface StoreDatabase {
  /** Works on the database once it is ready. `close` waits for the work. */
  use<T>(work: (database: Database) => Promise<T>): Promise<T>
  /** Works on the database whatever its tables are. `close` waits for the work. */
  useUnchecked<T>(work: (database: MigratedDatabase) => Promise<T>): Promise<T>
  /** The database, once it is ready. */
  ready(): Promise<Database>
  isClosed(): boolean
  /** Waits. False, and at once, when the store is closed meanwhile. Keeps no process alive. */
  pause(ms: number): Promise<boolean>
  /** Ends everything within seconds, even when the database hangs. */
  close(stopListening: (() => Promise<void>) | undefined): Promise<void>
}

/** @param makeRoom see `Room` */
export function createStoreDatabase(resolved: ResolvedSqlStore, makeRoom: Room['makeRoom']): StoreDatabase {
  const { naming, dialect, ownsConnections, autoMigrate, open } = resolved
  const tables = nameTables(naming)
  const { calls, track } = createCalls()
  const pauses = createPauses(inBackground)
  let connecting: Promise<Connections> | undefined
  let preparing: Promise<Database> | undefined
  let closed = false

  async function connect(): Promise<Connections> {
    if (closed) throw new StoreError('store_unavailable', 'This store has been closed.')
    connecting ??= open().catch((error: unknown) => {
      connecting = undefined
      throw toStoreError(error)
    })
    return connecting
  }

  async function ready(): Promise<Database> {
    const connections = await connect()
    try {
      if (await connections.followFile?.()) preparing = undefined
    } catch (error) {
      throw toStoreError(error)
    }
    preparing ??= prepare(connections).catch((error: unknown) => {
      preparing = undefined
      throw toStoreError(error)
    })
    return preparing
  }

  /** Migrates tables that are this package's alone. Only checks those of an application's database. */
  async function prepare(connections: Connections): Promise<Database> {
    const { reader, writer } = connections
    const database = toMigrated(connections)
    await assertSqlMode(database)
    if (autoMigrate) await migrate(database)
    else assertCurrent(await readSchemaState(database))
    return { ...database, reader, isPrimary: await findPrimaryExpression(dialect, writer, naming) }
  }

  function toMigrated({ writer }: Connections): MigratedDatabase {
    return { dialect, naming, tables, ownsConnections, writer, makeRoom }
  }

  /** Somebody may restore older tables. The next call then migrates them, as at the start. */
  function lookAgain(error: unknown): never {
    if (error instanceof StoreError && error.code === 'schema_outdated') preparing = undefined
    throw error
  }

  return {
    use: (work) => track(ready().then(work).catch(lookAgain)),
    async useUnchecked(work) {
      const connections = await connect()
      const database = toMigrated(connections)
      return track(
        assertSqlMode(database)
          .catch(throwStoreError)
          .then(() => work(database)),
      )
    },
    ready,
    isClosed: () => closed,
    pause: pauses.pause,
    async close(stopListening) {
      if (closed) return
      closed = true
      pauses.endAll()
      await closeInTime(calls, stopListening, connecting)
    },
  }
}

/**
 * Calls under way. A file that is closed in the middle of a transaction may stay locked: libsql lets go of it only
 * when it is garbage collected.
 */
function createCalls() {
  const calls = new Set<Promise<unknown>>()
  return {
    calls,
    track<T>(call: Promise<T>): Promise<T> {
      calls.add(call)
      const forget = () => calls.delete(call)
      call.then(forget, forget)
      return call
    },
  }
}

function throwStoreError(error: unknown): never {
  throw toStoreError(error)
}

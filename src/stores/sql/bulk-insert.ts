import { type RawBuilder, sql } from 'kysely'
import { StoreError } from '../../runtime/errors.ts'
import type { CommittedChange, Creation } from '../key-store.ts'
import { toAuditRow } from './audit.ts'
import { fromHash, toHash } from './cells.ts'
import { type Database, type Transaction, transact, undo } from './database.ts'
import { isDuplicate, UnstorableText } from './driver-errors.ts'
import { assertNoneEnded } from './ended-secrets.ts'
import { toKeyColumns } from './key-rows.ts'
import { toSecretRow } from './key-writes.ts'
import { raiseRevisions } from './revision.ts'
import type { NewRow, Row } from './table-columns.ts'
import { insertRows, type TableName } from './table-names.ts'
import { nameUnstorable } from './unstorable-text.ts'

/** Rows of one statement: SQLite takes 32 766 values, and a key has some twenty columns. */
const rowsPerStatement = 200
/**
 * Others may make one of the same keys between the check and the insert; then everything is checked again.
 */
const mostAttempts = 5

/** Makes keys in one transaction. Those whose id, hash or audit entry exists, or whose secret has ended, are left out. */
export async function insertKeys(
  database: Database,
  creations: readonly Creation[],
): Promise<(CommittedChange | undefined)[]> {
  for (let attempt = 0; attempt < mostAttempts; attempt++) {
    const committed = await naming(database, creations, () => insertAbsent(database, creations))
    if (committed !== undefined) return committed
  }
  throw new StoreError('store_overloaded', 'The same keys are being made by others all the time.')
}

/** Undefined when somebody else was faster. */
function insertAbsent(
  database: Database,
  creations: readonly Creation[],
): Promise<(CommittedChange | undefined)[] | undefined> {
  return transact(database, async (transaction) => {
    const absent = await findAbsent(database, transaction, creations)
    if (absent.length === 0) undo(creations.map(() => undefined))
    try {
      await writeAll(
        database,
        transaction,
        'keys',
        absent.map(({ record }) => toKeyColumns(record)),
      )
      const secrets = absent.flatMap(({ record }) =>
        record.secrets.map((secret, position) => toSecretRow(record.id, secret, position)),
      )
      await writeAll(database, transaction, 'secrets', secrets)
      await writeAll(
        database,
        transaction,
        'audit',
        absent.map(({ audit }) => toAuditRow(audit)),
      )
    } catch (error) {
      if (isDuplicate(error)) undo(undefined)
      throw error
    }
    await assertNoneEnded(
      database,
      transaction,
      absent.flatMap(({ record }) => record.secrets),
    )
    const keyIds = absent.map(({ record }) => record.id)
    const changes = await raiseRevisions(database, transaction, keyIds)
    const committed = new Map(absent.map((creation, index) => [creation, changes[index]]))
    return creations.map((creation) => committed.get(creation))
  })
}

/** The creations whose secrets have not ended and that are in no conflict, in the store or among themselves. Of two alike, the first. */
async function findAbsent(
  { tables }: Database,
  transaction: Transaction,
  creations: readonly Creation[],
): Promise<Creation[]> {
  const hashes = creations.flatMap(({ record }) => record.secrets.map(({ keyHash }) => keyHash))
  const ids = creations.map(({ record }) => record.id)
  const entries = creations.map(({ audit }) => audit.id)
  const taken = new Set<string>()
  const look = async <Cell>(
    values: readonly unknown[],
    statement: (some: RawBuilder<unknown>) => RawBuilder<unknown>,
    toText: (cell: Cell) => string,
  ) => {
    for (let start = 0; start < values.length; start += rowsPerStatement) {
      const some = sql.join(values.slice(start, start + rowsPerStatement))
      for (const { found } of await transaction.rows<{ found: Cell }>(statement(some)))
        taken.add(toText(found))
    }
  }
  for (const table of [tables.secrets, tables.ended_secrets]) {
    await look<Row<'secrets', 'key_hash'>['key_hash']>(
      hashes.map(toHash),
      (some) => sql`select key_hash as found from ${table} where key_hash in (${some})`,
      fromHash,
    )
  }
  await look<string>(ids, (some) => sql`select id as found from ${tables.keys} where id in (${some})`, String)
  await look<string>(
    entries,
    (some) => sql`select id as found from ${tables.audit} where id in (${some})`,
    String,
  )
  return creations.filter(({ record, audit }) => {
    const names = [record.id, audit.id, ...record.secrets.map(({ keyHash }) => keyHash)]
    if (names.some((name) => taken.has(name))) return false
    for (const name of names) taken.add(name)
    return true
  })
}

async function writeAll<Table extends TableName>(
  { tables }: Database,
  transaction: Transaction,
  table: Table,
  rows: readonly NewRow<Table>[],
): Promise<void> {
  for (let start = 0; start < rows.length; start += rowsPerStatement) {
    const some = rows.slice(start, start + rowsPerStatement) as [NewRow<Table>, ...NewRow<Table>[]]
    await transaction.write(insertRows(tables, table, some))
  }
}

/** A character that the database cannot store is a fault of a field, not of the database. */
async function naming<T>(
  database: Database,
  creations: readonly Creation[],
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof UnstorableText)) throw error
    for (const { record, audit } of creations) {
      const named = await nameUnstorable(database, record, audit)
      if (named !== undefined) throw named
    }
    throw error
  }
}

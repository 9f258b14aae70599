import { sql } from 'kysely'
import { type Database, transact } from './database.ts'
import type { Row } from './table-columns.ts'

/** What one column holds: nobody has had so many. */
const mostPeppers = 30

export function toPeppers(cell: string): string[] {
  return cell === '' ? [] : cell.split(' ')
}

/**
 * Adds a fingerprint to those that polls return, unless there are others that the caller does not know.
 * @returns all fingerprints now.
 */
export function notePepper(
  database: Database,
  fingerprint: string,
  known: readonly string[],
): Promise<readonly string[]> {
  const { meta } = database.tables
  const locking = database.dialect === 'sqlite' ? sql`` : sql`for update`
  return transact(database, async ({ rows, write }) => {
    const [row] = await rows<Row<'meta', 'peppers'>>(sql`select peppers from ${meta} where id = 1 ${locking}`)
    const stored = toPeppers(row?.peppers ?? '')
    if (stored.includes(fingerprint) || !stored.every((other) => known.includes(other))) return stored
    const peppers = [...stored, fingerprint].slice(-mostPeppers)
    await write(sql`update ${meta} set peppers = ${peppers.join(' ')} where id = 1`)
    return peppers
  })
}

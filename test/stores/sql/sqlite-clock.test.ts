import { type RawBuilder, sql } from 'kysely'
import { expect, it } from 'vitest'
import { databaseNow } from '../../../src/stores/sql/dialect.ts'
import { openSqlite } from '../../../src/stores/sql/sqlite-connection.ts'

it('of SQLite is that of the process to the millisecond', async () => {
  const { writer, close } = await openSqlite(':memory:')
  const ask = async (now: RawBuilder<number>) =>
    (await sql<{ at: number }>`select ${now} as at`.execute(writer)).rows[0]?.at
  for (let question = 0; question < 500; question++) {
    const before = Date.now()
    const at = await ask(databaseNow('sqlite'))
    expect(at).toBeGreaterThanOrEqual(before)
    expect(at).toBeLessThanOrEqual(Date.now())
  }
  await close()
})

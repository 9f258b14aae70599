import { join } from 'node:path'
import { sql } from 'kysely'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createWriteKeys } from '../../../src/index.ts'
import { randomBase62 } from '../../../src/runtime/base62.ts'
import { createSqlStore } from '../../../src/stores/sql/index.ts'
import { openSqlite } from '../../../src/stores/sql/sqlite-connection.ts'
import { useFolder } from './databases.ts'

/** What code of version 2 asks before it trusts anything: the oldest version that may run here. */
async function compatibleVersion(url: string): Promise<number> {
  const { writer, close } = await openSqlite(url.slice('sqlite:'.length))
  const { rows } = await sql<{ v: number }>`select compatible_version as v from writekey_meta`.execute(writer)
  await close()
  return Number(rows[0]?.v)
}

async function asIfUpgraded(url: string): Promise<void> {
  const { writer, close } = await openSqlite(url.slice('sqlite:'.length))
  await sql`update writekey_meta set compatible_version = 2`.execute(writer)
  await close()
}

describe('a pause on tables that an older version has made', () => {
  const folder = useFolder()

  it('is refused with schema_mixed until the migration is finished, and true from then on', async () => {
    const url = `sqlite:${join(folder, `${randomBase62(8)}.db`)}`
    const store = createSqlStore({ url })
    const keys = createWriteKeys({ store })
    onTestFinished(() => keys.close())
    const { writeKey } = await keys.create({ name: 'Web', sourceType: 'web' })
    await asIfUpgraded(url)
    await expect(keys.pause(writeKey.id)).rejects.toMatchObject({ code: 'conflict', reason: 'schema_mixed' })
    expect(await keys.get(writeKey.id)).toMatchObject({ status: 'active', version: 1 })
    await store.migrate()
    expect(await compatibleVersion(url)).toBe(2)
    await store.migrate({ finish: true })
    expect(await compatibleVersion(url)).toBeGreaterThanOrEqual(4)
    expect(await keys.pause(writeKey.id)).toMatchObject({ status: 'paused' })
  })

  it('needs no finishing on new tables', async () => {
    const url = `sqlite:${join(folder, `${randomBase62(8)}.db`)}`
    const keys = createWriteKeys({ store: createSqlStore({ url }) })
    onTestFinished(() => keys.close())
    const { writeKey } = await keys.create({ name: 'Web', sourceType: 'web' })
    expect(await keys.pause(writeKey.id)).toMatchObject({ status: 'paused' })
  })
})

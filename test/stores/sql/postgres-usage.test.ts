import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { expect, it, onTestFinished } from 'vitest'
import { createSqlStore } from '../../../src/stores/sql/index.ts'
import type { KeyRecord } from '../../../src/testing/index.ts'
import { createKeyRecord } from '../../../src/testing/index.ts'
import { describeWithService } from '../../services.ts'
import { auditEntry } from './audit-entry.ts'
import { usePostgresDatabase } from './databases.ts'

let batches = 0

function usageOf(records: readonly KeyRecord[], at: number) {
  return {
    writer: `writer ${batches++}`,
    number: 1,
    madeAt: at,
    counts: records.map(({ id }) => ({
      keyId: id,
      bucketAt: 300_000,
      kind: 'accepted' as const,
      name: 'track',
      count: 1,
    })),
    lastEventAt: new Map(records.map(({ id }) => [id, at])),
    lastUsedAt: new Map(
      records.flatMap(({ id, secrets }) => secrets.map((secret) => [secret.id, { keyId: id, at }] as const)),
    ),
  }
}

describeWithService('postgres', 'adding usage in PostgreSQL', (address) => {
  const database = usePostgresDatabase(address)

  async function open() {
    const statements: string[] = []
    const errors: unknown[] = []
    const pool = new pg.Pool({ connectionString: database.url })
    pool.on('error', () => {})
    const db = new Kysely<unknown>({
      dialect: new PostgresDialect({ pool }),
      log(event) {
        if (event.level === 'error') errors.push(event.error)
        else statements.push(event.query.sql)
      },
    })
    const store = createSqlStore({ db })
    await store.migrate()
    onTestFinished(async () => {
      await store.close()
      await db.destroy()
    })
    const insert = async () => {
      const record = createKeyRecord({
        secrets: [...createKeyRecord().secrets, ...createKeyRecord().secrets],
      })
      await store.insert(record, auditEntry())
      return record
    }
    return { store, insert, statements, errors }
  }

  it('is one statement, so that no lock outlives a process that is frozen in the middle', async () => {
    const { store, insert, statements } = await open()
    const records = [await insert(), await insert()]
    statements.length = 0
    await store.usage.add(usageOf(records, 5))
    expect(statements.length).toBe(1)
    expect((await store.get(records[0]?.id as string))?.secrets.map(({ lastUsedAt }) => lastUsedAt)).toEqual([
      5, 5,
    ])
  })

  it('meets rotations and removals of the same keys without a deadlock, and leaves nothing behind for the removed', async () => {
    const { store, insert, errors } = await open()
    for (let round = 1; round <= 60; round++) {
      const records = await Promise.all(Array.from({ length: 6 }, insert))
      await Promise.all([
        ...[0, 1, 2].map((flush) => store.usage.add(usageOf(records, round * 10 + flush))),
        ...records.map((record, index) =>
          index % 2 === 0
            ? store.remove(record.id, 1, auditEntry())
            : store.replace(
                {
                  ...record,
                  secrets: record.secrets.toReversed().map((secret) => ({ ...secret, expiresAt: 7 })),
                  version: 2,
                },
                auditEntry(),
              ),
        ),
      ])
      const keyIds = records.map(({ id }) => id)
      const counts = await store.usage.read({ keyIds, from: 0, to: 600_000, bucketMs: 300_000 })
      expect(new Set(counts.map(({ keyId }) => keyId))).toEqual(
        new Set(keyIds.filter((_, index) => index % 2 === 1)),
      )
      for (const { count } of counts) expect(count).toBe(3)
    }
    expect(errors).toEqual([])
  })
})

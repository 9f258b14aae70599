import { join } from 'node:path'
import Database from 'libsql'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { AuditEntry } from '../../../src/index.ts'
import { randomBase62 } from '../../../src/runtime/base62.ts'
import { createSqlStore } from '../../../src/stores/sql/index.ts'
import type { KeyRecord } from '../../../src/testing/index.ts'
import { createKeyRecord } from '../../../src/testing/index.ts'
import { describeWithService } from '../../services.ts'
import { useFolder, useMysqlDatabase, usePostgresDatabase } from './databases.ts'

const dayMs = 86_400_000
const bucketMs = 300_000

function auditOf(action: AuditEntry['action'], { id }: KeyRecord): AuditEntry {
  const at = Date.now()
  return {
    id: `aud_${randomBase62(16)}`,
    at,
    action,
    actor: null,
    address: null,
    keyId: id,
    before: null,
    after: null,
  }
}

function besideChanges(urlOf: () => string): void {
  it('prunes while others count and remove the same keys: nothing fails, and what is young stays', async () => {
    const url = urlOf()
    const stores = Array.from({ length: 3 }, () => createSqlStore({ url }))
    onTestFinished(async () => {
      await Promise.all(stores.map((store) => store.close()))
    })
    const [one, two, three] = stores as [(typeof stores)[0], (typeof stores)[0], (typeof stores)[0]]
    await one.migrate()
    const records = await Promise.all(
      Array.from({ length: 12 }, async () => {
        const record = createKeyRecord()
        await one.insert(record, auditOf('create', record))
        return record
      }),
    )
    const today = Math.floor(Date.now() / bucketMs) * bucketMs
    const batchOf = (writer: string, number: number, from: number, buckets: number) => ({
      writer,
      number,
      madeAt: Date.now(),
      counts: records.flatMap(({ id: keyId }) =>
        Array.from({ length: buckets }, (_, bucket) => ({
          keyId,
          bucketAt: from - bucket * bucketMs,
          kind: 'accepted' as const,
          name: 'track',
          count: 1,
        })),
      ),
      lastEventAt: new Map(records.map(({ id }) => [id, today])),
      lastUsedAt: new Map(),
    })
    await one.usage.add(batchOf('old', 1, today - 40 * dayMs, 100))

    const pruneAll = async (store: typeof one) => {
      while (await store.usage.prune({ keptMs: 30 * dayMs, now: Date.now() })) {}
    }
    const counted = async (store: typeof one, writer: string) => {
      for (let number = 1; number <= 20; number++) {
        await store.usage.add(batchOf(writer, number, today, 3))
      }
    }
    const removed = records.filter((_, index) => index % 3 === 0)
    await Promise.all([
      pruneAll(one),
      pruneAll(two),
      counted(two, 'two'),
      counted(three, 'three'),
      ...removed.map((record) => three.remove(record.id, 1, auditOf('remove', record))),
    ])
    await pruneAll(one)

    const stayed = records.filter((record) => !removed.includes(record)).map(({ id }) => id)
    const counts = await one.usage.read({
      keyIds: stayed,
      from: today - 400 * dayMs,
      to: today + bucketMs,
      bucketMs,
    })
    expect(new Set(counts.map(({ bucketAt }) => bucketAt))).toEqual(
      new Set([today, today - bucketMs, today - 2 * bucketMs]),
    )
    expect(counts.map(({ count }) => count)).toEqual(counts.map(() => 40))
    expect(counts).toHaveLength(stayed.length * 3)
  })
}

describe('pruning, in SQLite', () => {
  const folder = useFolder()
  besideChanges(() => `sqlite:${join(folder, 'keys.db')}`)

  it('is put off without an error while others keep the file', async () => {
    const file = join(folder, 'busy.db')
    const store = createSqlStore({ url: `sqlite:${file}` })
    const other = new Database(file)
    onTestFinished(async () => {
      other.close()
      await store.close()
    })
    await store.migrate()
    const record = createKeyRecord()
    await store.insert(record, auditOf('create', record))
    const bucketAt = Math.floor(Date.now() / bucketMs) * bucketMs - 40 * dayMs
    other
      .prepare(
        `insert into writekey_usage (key_id, bucket_at, kind, name, total) values (?, ?, 'accepted', 'track', 1)`,
      )
      .run(record.id, bucketAt)
    const prune = () => store.usage.prune({ keptMs: 30 * dayMs, now: Date.now() })
    other.exec('begin immediate')
    expect(await prune()).toBe(true)
    other.exec('commit')
    while (await prune()) {}
    expect(other.prepare('select count(*) as found from writekey_usage').all()).toEqual([{ found: 0 }])
  })
})

describeWithService('postgres', 'pruning, in PostgreSQL', (address) => {
  const database = usePostgresDatabase(address)
  besideChanges(() => database.url)
})

describeWithService('mysql', 'pruning, in MariaDB', (address) => {
  const database = useMysqlDatabase(address)
  besideChanges(() => database.url)
})

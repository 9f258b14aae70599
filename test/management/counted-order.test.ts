import { expect, it } from 'vitest'
import { createMemoryStore, createWriteKeys, type WriteKeys } from '../../src/index.ts'
import { toBucketStart, usageBucketMs } from '../../src/stores/usage-store.ts'
import { createKeyRecord, createManualClock } from '../../src/testing/index.ts'
import { auditEntry } from '../stores/sql/audit-entry.ts'

const many = 1_100
const minuteMs = 60_000

async function walk(pages: WriteKeys[], sort: '-events_24h' | 'events_24h') {
  const walked: string[] = []
  let cursor: string | null = null
  let page = 0
  do {
    const keys = pages[page++ % pages.length] as WriteKeys
    const found = await keys.list({ sort, limit: 100, ...(cursor !== null && { cursor }) })
    walked.push(...found.data.map(({ id }) => id))
    cursor = found.nextCursor
  } while (cursor !== null)
  return walked
}

it('orders more than a thousand keys by the last day, hour after hour, the same in every process', async () => {
  const clock = createManualClock()
  const store = createMemoryStore()
  const records = Array.from({ length: many }, () => createKeyRecord())
  for (const record of records) await store.insert(record, auditEntry(`aud_${record.id}`))
  const open = () => createWriteKeys({ store, clock, logger: false })
  const [one, other] = [open(), open()]
  const counted: { id: string; bucketAt: number; count: number }[] = []
  for (let step = 1; step <= 90; step++) {
    const bucketAt = toBucketStart(clock.now())
    const counts = records
      .filter((_, index) => (index * 31 + step * 17) % 29 === 0)
      .map(
        ({ id }, index) =>
          ({ keyId: id, bucketAt, kind: 'accepted', name: 'track', count: (index * step) % 83 }) as const,
      )
    await store.usage?.add({
      writer: 'a'.repeat(16),
      number: step,
      madeAt: clock.now(),
      counts,
      lastEventAt: new Map(),
      lastUsedAt: new Map(),
    })
    counted.push(...counts.map(({ keyId, count }) => ({ id: keyId, bucketAt, count })))
    if (step % 6 === 0) {
      const from = toBucketStart(clock.now()) + usageBucketMs - 24 * 60 * minuteMs
      const sums = new Map<string, number>()
      for (const { id, bucketAt: at, count } of counted)
        if (at >= from) sums.set(id, (sums.get(id) ?? 0) + count)
      const of = (id: string) => sums.get(id) ?? 0
      const expected = records.map(({ id }) => id).sort((a, b) => of(b) - of(a) || (a < b ? 1 : -1))
      expect(await walk([one], '-events_24h')).toEqual(expected)
      expect(await walk([one, other], 'events_24h')).toEqual(expected.toReversed())
    }
    clock.advance(23 * minuteMs)
  }
  await Promise.all([one.close(), other.close()])
})

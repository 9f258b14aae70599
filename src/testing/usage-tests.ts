import { newId } from '../keys/ids.ts'
import type { KeyRecord } from '../keys/key-record.ts'
import { randomBase62 } from '../runtime/base62.ts'
import type { KeyStore } from '../stores/key-store.ts'
import { type UsageBatch, type UsageCount, type UsageStore, usageBucketMs } from '../stores/usage-store.ts'
import type { StoreHarness } from './store-harness.ts'
import { revisionOf } from './store-suite.ts'
import { createKeyRecord } from './stored-key.ts'
import type { TestTools } from './test-tools.ts'

const dayMs = 86_400_000

/** The part of the store contract about usage. Stores without it pass. */
export function usageTests(
  test: (behaviour: string, body: (store: KeyStore, harness: StoreHarness) => Promise<void>) => void,
  insert: (store: KeyStore) => Promise<KeyRecord>,
  expect: TestTools['expect'],
): void {
  function testUsage(
    behaviour: string,
    body: (usage: UsageStore, store: KeyStore, harness: StoreHarness) => Promise<void>,
  ): void {
    test(behaviour, async (store, harness) => {
      if (store.usage !== undefined) await body(store.usage, store, harness)
    })
  }

  const timeOf = async (usage: UsageStore) => (await usage.now?.()) ?? Date.now()

  /** All counts of a key, as `minutes kind name count`, with minutes relative to `base`. */
  async function counted(usage: UsageStore, keyId: string, base: number): Promise<string[]> {
    // No older bucket is ever written here, and a store may read so many days at a time.
    const [from, to] = [base - 401 * dayMs, base + 400 * dayMs].map(toBucket) as [number, number]
    return (await usage.read({ keyIds: [keyId], from, to, bucketMs: usageBucketMs }))
      .map(({ bucketAt, kind, name, count }) => `${(bucketAt - base) / 60_000} ${kind} ${name} ${count}`)
      .toSorted()
  }

  testUsage('tells the time in milliseconds since the epoch, and never goes back', async (usage) => {
    if (usage.now === undefined) return
    const times = [await usage.now(), await usage.now()] as const
    // From 2001 to 5138. In seconds, every process would count in 1970.
    expect(times.map((at) => at > 1e12 && at < 1e14)).toEqual([true, true])
    expect(times[1] >= times[0]).toBe(true)
  })

  testUsage('adds up counts, and moves times forward only', async (usage, store) => {
    const record = await insert(store)
    const gone = createKeyRecord()
    const secretId = secretOf(record)
    const revision = await revisionOf(store)
    const base = toBucket(await timeOf(usage))
    const writer = randomBase62(16)
    for (const [index, at] of [base, base - 1_000].entries()) {
      await usage.add({
        ...batchOf(writer, index + 1, base, [
          countOf(record.id, base),
          { ...countOf(record.id, base), kind: 'refused', name: 'rate_limited' },
          countOf(gone.id, base),
        ]),
        lastEventAt: new Map([
          [record.id, at],
          [gone.id, at],
        ]),
        lastUsedAt: new Map([[secretId, { keyId: record.id, at }]]),
      })
    }
    expect(await counted(usage, record.id, base)).toEqual(['0 accepted track 4', '0 refused rate_limited 4'])
    expect(await counted(usage, gone.id, base)).toEqual([])
    const within = { keyIds: [record.id], bucketMs: usageBucketMs }
    expect(await usage.read({ ...within, from: base + usageBucketMs, to: base + 2 * usageBucketMs })).toEqual(
      [],
    )
    expect(await usage.read({ ...within, from: base - usageBucketMs, to: base })).toEqual([])
    expect([...(await usage.lastEvents([record.id, gone.id]))]).toEqual([[record.id, base]])
    expect((await store.get(record.id))?.secrets[0]?.lastUsedAt).toBe(base)
    expect(await revisionOf(store)).toBe(revision)
  })

  testUsage('adds up one kind by key, of a few keys and of many', async (usage, store) => {
    if (usage.sums === undefined) return
    const [one, other] = [await insert(store), await insert(store)]
    const base = toBucket(await timeOf(usage))
    const earlier = base - usageBucketMs
    await usage.add(
      batchOf(randomBase62(16), 1, base, [
        countOf(one.id, base),
        { ...countOf(one.id, base), name: 'page' },
        countOf(one.id, earlier),
        { ...countOf(one.id, base), kind: 'refused', name: 'rate_limited' },
        countOf(other.id, earlier),
      ]),
    )
    const ids = [one.id, other.id]
    for (const keyIds of [ids, [...ids, ...Array.from({ length: 1_200 }, () => newId('key'))]]) {
      const sums = async (kind: 'accepted' | 'refused', from: number, to: number) => {
        const found = await usage.sums?.({ kind, keyIds, from, to })
        return ids.map((id) => found?.get(id) ?? 0)
      }
      const end = base + usageBucketMs
      expect(await sums('accepted', earlier, end)).toEqual([6, 2])
      expect(await sums('accepted', base, end)).toEqual([4, 0])
      expect(await sums('refused', earlier, end)).toEqual([2, 0])
      expect(await sums('refused', earlier, base)).toEqual([0, 0])
    }
  })

  testUsage('counts a batch once, however often and wherever it arrives', async (usage, store, { open }) => {
    const record = await insert(store)
    const base = toBucket(await timeOf(usage))
    const [one, other] = [randomBase62(16), randomBase62(16)]
    const second = await open?.()
    try {
      for (let number = 1; number <= 4; number++) {
        const batch = batchOf(one, number, base, [countOf(record.id, base)])
        await Promise.all([usage, second?.usage ?? usage, usage].map(async (handle) => handle.add(batch)))
      }
      // An earlier one that was held up on its way, and the first of somebody else.
      await usage.add(batchOf(one, 2, base, [countOf(record.id, base)]))
      await usage.add(batchOf(other, 1, base, [countOf(record.id, base)]))
      expect(await counted(usage, record.id, base)).toEqual(['0 accepted track 10'])
    } finally {
      await second?.close()
    }
  })

  testUsage(
    'takes what lies ahead of its clock as of now, and lets go of times that do',
    async (usage, store) => {
      const record = await insert(store)
      const now = await timeOf(usage)
      const ahead = now + 40 * dayMs
      // If a store has no clock of its own, it uses this time.
      await usage.add({
        ...batchOf(randomBase62(16), 1, usage.now === undefined ? now : ahead, [
          countOf(record.id, toBucket(ahead)),
          countOf(record.id, toBucket(now)),
          countOf(record.id, toBucket(ahead) + usageBucketMs),
        ]),
        lastEventAt: new Map([[record.id, ahead]]),
        lastUsedAt: new Map([[secretOf(record), { keyId: record.id, at: ahead }]]),
      })
      const later = await timeOf(usage)
      const counts = await usage.read({
        keyIds: [record.id],
        from: toBucket(now),
        to: toBucket(later) + usageBucketMs,
        bucketMs: usageBucketMs,
      })
      expect(counts.reduce((sum, { count }) => sum + count, 0)).toBe(6)
      const seen = (await usage.lastEvents([record.id])).get(record.id) as number
      const used = (await store.get(record.id))?.secrets[0]?.lastUsedAt as number
      expect([seen, used].map((at) => at >= now && at <= later)).toEqual([true, true])
    },
  )

  testUsage(
    'forgets old buckets part by part, and none that is young or lies ahead',
    async (usage, store) => {
      const [one, other] = [await insert(store), await insert(store)]
      const now = await timeOf(usage)
      const base = toBucket(now)
      const days = [400, 31, 29, 0]
      // A file has no clock of its own: this entry tells it the present time.
      await store.audit?.append({
        id: newId('audit'),
        at: now,
        action: 'refused',
        actor: null,
        address: null,
        keyId: one.id,
        before: null,
        after: null,
      })
      for (const { id } of [one, other]) {
        const counts = days.flatMap((day) =>
          Array.from({ length: 30 }, (_, bucket) => countOf(id, base - day * dayMs - bucket * usageBucketMs)),
        )
        await usage.add(batchOf(randomBase62(16), 1, now, counts))
      }
      const all = await counted(usage, one.id, base)
      expect(all.length).toBe(120)
      const pruneAll = async (keptMs: number, at: number) => {
        let parts = 1
        while (parts < 100 && (await usage.prune({ keptMs, now: at }))) parts++
        expect(parts < 100).toBe(true)
      }
      if (usage.now !== undefined) {
        // The process's clock is wrong, either way.
        await pruneAll(30 * dayMs, now - 400 * dayMs)
        expect((await counted(usage, one.id, base)).length).toBe(120)
        await pruneAll(30 * dayMs, now + 400 * dayMs)
      } else {
        await pruneAll(30 * dayMs, now)
      }
      const minutes = (day: number) => -day * 1_440
      for (const { id } of [one, other]) {
        const left = (await counted(usage, id, base)).map((text) => Number.parseInt(text, 10))
        expect(left.length).toBe(60)
        expect(left.every((minute) => minute > minutes(30))).toBe(true)
      }
    },
  )
}

function toBucket(at: number): number {
  return at - (at % usageBucketMs)
}

function secretOf(record: KeyRecord): string {
  return (record.secrets[0] as KeyRecord['secrets'][number]).id
}

function countOf(keyId: string, bucketAt: number): UsageCount {
  return { keyId, bucketAt, kind: 'accepted', name: 'track', count: 2 }
}

function batchOf(writer: string, number: number, madeAt: number, counts: readonly UsageCount[]): UsageBatch {
  return { writer, number, madeAt, counts, lastEventAt: new Map(), lastUsedAt: new Map() }
}

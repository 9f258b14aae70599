import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createWriteKeys } from '../../../src/index.ts'
import { randomBase62 } from '../../../src/runtime/base62.ts'
import { createSqlStore, type SqlStore } from '../../../src/stores/sql/index.ts'
import { describeWithService } from '../../services.ts'
import { useFolder, useMysqlDatabase, usePostgresDatabase } from './databases.ts'

const dayMs = 86_400_000
const bucketMs = 300_000

/** Counts of these days before now. */
async function addHistory(store: SqlStore, keyId: string, days: readonly number[]): Promise<void> {
  const today = Math.floor(Date.now() / bucketMs) * bucketMs
  await store.usage.add({
    writer: randomBase62(16),
    number: 1,
    madeAt: Date.now(),
    counts: days.map((day) => ({
      keyId,
      bucketAt: today - day * dayMs,
      kind: 'accepted',
      name: 'track',
      count: 1,
    })),
    lastEventAt: new Map(),
    lastUsedAt: new Map(),
  })
}

/** Days before now of which something is counted, in order. */
async function countedDays(store: SqlStore, keyId: string): Promise<number[]> {
  const to = Math.ceil((Date.now() + 1) / bucketMs) * bucketMs
  const query = { keyIds: [keyId], from: to - 500 * dayMs, to: to + 500 * dayMs, bucketMs }
  const counts = await store.usage.read(query)
  return counts.map(({ bucketAt }) => Math.round((to - bucketMs - bucketAt) / dayMs)).sort((a, b) => a - b)
}

/** @param hasClock whether the database has a clock of its own. */
function wrongClocks(open: () => SqlStore, hasClock: boolean): void {
  it.each([
    ['ahead', 40 * dayMs],
    ['behind', -40 * dayMs],
  ])('costs no key its history when one process is 40 days %s for a moment', async (_, byMs) => {
    const [right, wrong] = [open(), open()]
    let offMs = 0
    const keys = createWriteKeys({ store: right })
    const others = createWriteKeys({ store: wrong, clock: () => Date.now() + offMs })
    onTestFinished(async () => {
      await Promise.all([keys.close(), others.close()])
    })
    const made = [
      await keys.create({ name: 'One', sourceType: 'server' }),
      await keys.create({ name: 'Other', sourceType: 'server' }),
    ] as const
    const [{ writeKey, key }, other] = made
    const request = {
      method: 'POST',
      path: '/v1/track',
      headers: { authorization: `Basic ${btoa(`${key}:`)}` },
      body: { event: 'a' },
    }
    for (const { writeKey } of made) await addHistory(right, writeKey.id, [29, 20, 10, 1])
    const began = Date.now()
    expect((await others.verify(request)).ok).toBe(true)
    await others.usage(writeKey.id)
    offMs = byMs
    await others.verify(request)
    await others.usage(writeKey.id)
    offMs = 0
    expect((await others.verify(request)).ok).toBe(true)
    await others.usage(writeKey.id)

    await addHistory(right, other.writeKey.id, [35])
    // That is old by any clock, so that one who prunes is seen to have done so.
    while (await right.usage.prune({ keptMs: 30 * dayMs, now: Date.now() })) {}
    expect(await countedDays(right, other.writeKey.id)).toEqual([1, 10, 20, 29])
    const days = await countedDays(right, writeKey.id)
    expect(days.filter((day) => day > 0 && day < 30)).toEqual([1, 10, 20, 29])
    if (byMs > 0 || hasClock) {
      expect((await keys.usage(writeKey.id)).acceptedTotal).toBe(3)
      const [secret] = (await keys.get(writeKey.id)).secrets
      const { lastEventAt } = await keys.usage(writeKey.id)
      for (const at of [lastEventAt, secret?.lastUsedAt]) {
        expect(at?.getTime()).toBeGreaterThanOrEqual(began)
        expect(at?.getTime()).toBeLessThanOrEqual(Date.now() + 1_000)
      }
    }
  })
}

describe('a wrong clock, with SQLite', () => {
  const folder = useFolder()
  const newUrl = () => `sqlite:${join(folder, `${randomBase62(8)}.db`)}`
  let url = ''
  let opened = 0
  wrongClocks(() => {
    if (opened++ % 2 === 0) url = newUrl()
    return createSqlStore({ url })
  }, false)

  it('does not tell a process that has just started to delete what only its own clock calls old', async () => {
    const file = newUrl()
    const [first, second] = [createSqlStore({ url: file }), createSqlStore({ url: file })]
    onTestFinished(async () => {
      await Promise.all([first.close(), second.close()])
    })
    // All that the file tells of is 40 days ago: either nothing happened since, or the clock is ahead.
    const keys = createWriteKeys({ store: first, clock: () => Date.now() - 40 * dayMs })
    const { writeKey } = await keys.create({ name: 'Web', sourceType: 'web' })
    await addHistory(first, writeKey.id, [60, 40])
    await addHistory(second, writeKey.id, [0])
    while (await second.usage.prune({ keptMs: 30 * dayMs, now: Date.now() })) {}
    expect(await countedDays(second, writeKey.id)).toEqual([0, 40, 60])
    await keys.close()
  })
})

/** Databases whose clock is another one than the process's. */
function clocksOfDatabases(open: () => SqlStore): void {
  it.each([
    ['ahead', 20 * dayMs],
    ['behind', -20 * dayMs],
  ])('counts by the clock of the database in a process that is 20 days %s', async (_, byMs) => {
    const plans = { free: { monthlyEvents: 5 } }
    const clock = { now: () => Date.now() + byMs, monotonic: () => performance.now() }
    const keys = createWriteKeys({ store: open(), plans, defaultPlan: 'free' })
    const wrong = createWriteKeys({ store: open(), plans, defaultPlan: 'free', clock })
    onTestFinished(async () => {
      await Promise.all([keys.close(), wrong.close()])
    })
    const { key, writeKey } = await keys.create({ name: 'Web', sourceType: 'web' })
    const { writeKey: quiet } = await keys.create({ name: 'Quiet', sourceType: 'web' })
    const request = {
      method: 'POST',
      path: '/v1/track',
      headers: { authorization: `Basic ${btoa(`${key}:`)}` },
      body: { event: 'a' },
    }
    const began = Date.now()
    for (const sender of [keys, wrong, wrong, wrong]) {
      expect((await sender.verify(request)).ok).toBe(true)
      await sender.flush()
    }
    for (const reader of [keys, wrong]) {
      const { acceptedTotal, lastEventAt, quota } = await reader.usage(writeKey.id, { window: '1h' })
      expect(acceptedTotal).toBe(4)
      expect(quota?.used).toBe(4)
      const [secret] = (await reader.get(writeKey.id)).secrets
      for (const at of [lastEventAt, secret?.lastUsedAt]) {
        expect(at?.getTime()).toBeGreaterThanOrEqual(began - 2_000)
        expect(at?.getTime()).toBeLessThanOrEqual(Date.now() + 2_000)
      }
      const { data } = await reader.list({ sort: '-events_24h' })
      const both = data.map(({ id }) => id).filter((id) => id === writeKey.id || id === quiet.id)
      expect(both).toEqual([writeKey.id, quiet.id])
    }
    expect((await wrong.verify(request)).ok).toBe(true)
    expect(await wrong.verify(request)).toMatchObject({ reason: 'quota_exceeded' })
  })
}

describeWithService('postgres', 'a wrong clock, with PostgreSQL', (address) => {
  const database = usePostgresDatabase(address)
  wrongClocks(() => createSqlStore({ url: database.url }), true)
  clocksOfDatabases(() => createSqlStore({ url: database.url }))
})

describeWithService('mysql', 'a wrong clock, with MariaDB', (address) => {
  const database = useMysqlDatabase(address)
  wrongClocks(() => createSqlStore({ url: database.url }), true)
  clocksOfDatabases(() => createSqlStore({ url: database.url }))
})

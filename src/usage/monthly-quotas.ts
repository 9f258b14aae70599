import type { Quotas } from '../limits/quotas.ts'
import { createBoundedMap } from '../runtime/bounded-map.ts'
import type { UsageStore } from '../stores/usage-store.ts'
import type { CountingTime } from './counting-time.ts'

/** How many events a key may still send this month. */
export interface QuotaLeft {
  /** The quota of the plan. */
  readonly monthlyEvents: number
  /** Accepted since the month began. */
  readonly used: number
  readonly left: number
  /** When the next month begins, in UTC. */
  readonly resetsAt: Date
}

export interface QuotasOptions {
  store: Pick<UsageStore, 'read'>
  /** Months are those of the store's clock, like the counts. */
  time: Pick<CountingTime, 'now' | 'refresh'>
  /** Stores what this process has counted. */
  flush: () => Promise<void>
  /** For how long counts that other processes have stored may be unknown here. */
  refreshMs: number
}

interface Known {
  monthAt: number
  readAt: number
  reading: boolean
  /** As the store had it. */
  stored: number
  /** Counted by this process since. */
  taken: number
}

const maxKeys = 10_000

/**
 * The used part of a quota is what the store has counted since the month began, read again every `refreshMs`
 * while the key is in use, plus what this process has admitted since. So one process is exact. Several exceed
 * a quota by what the others admit between two of their writes. One that had no event of the key for longer goes by the old
 * count until it has the new one: nobody waits for it.
 */
export function createQuotas({ store, time, flush, refreshMs }: QuotasOptions): Quotas {
  const known = createBoundedMap<Known>(maxKeys)
  const loading = new Map<string, Promise<Known>>()

  async function read(keyId: string, one: Known): Promise<void> {
    one.reading = true
    const { taken, monthAt } = one
    let readAt = Number.NEGATIVE_INFINITY
    try {
      await flush()
      const stored = await readUsed(store, keyId, monthAt)
      // Another month may have begun meanwhile: this is what was used of the old one.
      if (one.monthAt === monthAt) {
        one.stored = stored
        one.taken -= taken
        readAt = time.now()
      }
    } catch {
      // Counting fails as well then, and reports it.
      readAt = time.now()
    } finally {
      one.reading = false
      one.readAt = readAt
    }
  }

  async function load(keyId: string): Promise<Known> {
    // Where the store cannot be asked, its counts cannot be read either, which is reported.
    await time.refresh()?.catch(() => {})
    const one: Known = { monthAt: monthOf(time.now()).from, readAt: 0, reading: true, stored: 0, taken: 0 }
    await read(keyId, one)
    known.set(keyId, one)
    loading.delete(keyId)
    return one
  }

  function find(keyId: string): Known | undefined {
    const one = known.get(keyId)
    if (one === undefined) return undefined
    const now = time.now()
    const { from } = monthOf(now)
    if (one.monthAt !== from) Object.assign(one, { monthAt: from, stored: 0, taken: 0, readAt: 0 })
    if (!one.reading && Math.abs(now - one.readAt) >= refreshMs) void read(keyId, one)
    return one
  }

  function takeFrom(one: Known, events: number, monthlyEvents: number): boolean {
    if (one.stored + one.taken + events > monthlyEvents) return false
    one.taken += events
    return true
  }

  return {
    take(keyId, events, monthlyEvents) {
      const one = find(keyId)
      if (one !== undefined) return takeFrom(one, events, monthlyEvents)
      const loaded = loading.get(keyId) ?? load(keyId)
      loading.set(keyId, loaded)
      return loaded.then((found) => takeFrom(found, events, monthlyEvents))
    },
    isSpent(keyId, monthlyEvents) {
      const one = find(keyId)
      return one !== undefined && one.stored + one.taken >= monthlyEvents
    },
    release(keyId, events) {
      const one = known.get(keyId)
      if (one !== undefined) one.taken -= events
    },
    untilReset() {
      const now = time.now()
      return monthOf(now).to - now
    },
  }
}

/** What a key has left, for people. */
export async function readQuota(
  store: Pick<UsageStore, 'read'>,
  keyId: string,
  monthlyEvents: number,
  now: number,
): Promise<QuotaLeft> {
  const { from, to } = monthOf(now)
  const used = await readUsed(store, keyId, from)
  return { monthlyEvents, used, left: Math.max(0, monthlyEvents - used), resetsAt: new Date(to) }
}

async function readUsed(store: Pick<UsageStore, 'read'>, keyId: string, from: number): Promise<number> {
  const { to } = monthOf(from)
  const counts = await store.read({ keyIds: [keyId], from, to, bucketMs: to - from })
  return counts.reduce((sum, { kind, count }) => (kind === 'accepted' ? sum + count : sum), 0)
}

/** The calendar month in UTC. */
function monthOf(at: number): { from: number; to: number } {
  const date = new Date(at)
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()]
  return { from: Date.UTC(year, month), to: Date.UTC(year, month + 1) }
}

import type { QuotaMonth, Quotas } from '../limits/quotas.ts'
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
  /** Stores what this process has counted: see `UsageWriter`. */
  flush: () => Promise<number | undefined>
  /** The number of the part that is counted now. */
  part: () => number
  /** For how long counts that other processes have stored may be unknown here. */
  refreshMs: number
}

const maxKeys = 10_000

/** What one key has used of its month. */
class KeyMonth implements QuotaMonth {
  readAt = Number.NEGATIVE_INFINITY
  reading = false
  /** As the store had it. */
  #stored = 0
  /** Counted by this process in parts that the store may not have, and in the newest of them. */
  #earlier = 0
  #newest = 0
  #newestPart = 0
  /** Taken by requests that nobody has counted yet. */
  #open = 0

  readonly from: number
  readonly #keyId: string
  readonly #part: () => number
  readonly #underWay: Map<string, KeyMonth>

  /** @param underWay has the month while events are under way in it */
  constructor(keyId: string, from: number, part: () => number, underWay: Map<string, KeyMonth>) {
    this.from = from
    this.#keyId = keyId
    this.#part = part
    this.#underWay = underWay
  }

  get used(): number {
    return this.#stored + this.#earlier + this.#newest + this.#open
  }

  take(events: number): void {
    this.#open += events
    this.#underWay.set(this.#keyId, this)
  }

  giveBack(events: number): void {
    this.#open -= events
    // The next month of the key may stand there.
    if (this.#open === 0 && this.#underWay.get(this.#keyId) === this) this.#underWay.delete(this.#keyId)
  }

  settle(taken: number, counted: number): void {
    this.giveBack(taken)
    const part = this.#part()
    if (this.#newestPart !== part) {
      this.#earlier += this.#newest
      this.#newest = 0
      this.#newestPart = part
    }
    this.#newest += counted
  }

  /** What this process has counted in parts before this one. What cannot be told counts as none. */
  countedBefore(part: number): number {
    if (this.#newestPart < part) return this.#earlier + this.#newest
    return this.#newestPart === part ? this.#earlier : 0
  }

  /** @param own what of `stored` this process has counted itself */
  noteStored(stored: number, own: number): void {
    this.#stored = stored
    const ofNewest = Math.max(0, own - this.#earlier)
    this.#earlier -= own - ofNewest
    this.#newest -= ofNewest
  }
}

/**
 * The used part of a quota is what the store has counted since the month began, read again every `refreshMs`
 * while the key is in use, what this process has counted since, and what is under way in it. So one process
 * exceeds no quota. Several do, by what the others admit between two of their writes and what they have under way. One that had no event of
 * the key for longer goes by the old count until it has the new one: nobody waits for it. What is stored while
 * the store is asked may count twice until it is asked again.
 */
export function createQuotas({ store, time, flush, part, refreshMs }: QuotasOptions): Quotas {
  const known = createBoundedMap<KeyMonth>(maxKeys)
  /** Other keys may push a month out of what is known, but not while the store lacks what is under way in it. */
  const underWay = new Map<string, KeyMonth>()
  const loading = new Map<string, Promise<KeyMonth>>()

  async function read(keyId: string, month: KeyMonth): Promise<void> {
    month.reading = true
    try {
      const storedPart = await flush()
      if (storedPart !== undefined) {
        const own = month.countedBefore(storedPart)
        month.noteStored(await readUsed(store, keyId, month.from), own)
      }
    } catch {
      // Counting fails as well then, and reports it.
    } finally {
      month.reading = false
      month.readAt = time.now()
    }
  }

  async function load(keyId: string): Promise<KeyMonth> {
    // Where the store cannot be asked, its counts cannot be read either, which is reported.
    await time.refresh()?.catch(() => {})
    const month = new KeyMonth(keyId, monthOf(time.now()).from, part, underWay)
    await read(keyId, month)
    known.set(keyId, month)
    loading.delete(keyId)
    return month
  }

  function find(keyId: string): KeyMonth | undefined {
    let month = known.get(keyId) ?? underWay.get(keyId)
    if (month === undefined) return undefined
    const now = time.now()
    const { from } = monthOf(now)
    if (month.from !== from) {
      month = new KeyMonth(keyId, from, part, underWay)
      known.set(keyId, month)
    }
    if (!month.reading && Math.abs(now - month.readAt) >= refreshMs) void read(keyId, month)
    return month
  }

  function takeFrom(month: KeyMonth, events: number, monthlyEvents: number): KeyMonth | undefined {
    if (month.used + events > monthlyEvents) return undefined
    month.take(events)
    return month
  }

  return {
    take(keyId, events, monthlyEvents) {
      const month = find(keyId)
      if (month !== undefined) return takeFrom(month, events, monthlyEvents)
      const loaded = loading.get(keyId) ?? load(keyId)
      loading.set(keyId, loaded)
      return loaded.then((found) => takeFrom(found, events, monthlyEvents))
    },
    isSpent(keyId, monthlyEvents) {
      const month = find(keyId)
      return month !== undefined && month.used >= monthlyEvents
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

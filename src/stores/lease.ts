import { randomBase62 } from '../keys/base62.ts'
import type { Clock } from '../keys/clock.ts'
import { StoreError, toStoreError } from '../keys/errors.ts'
import { withDeadline } from './deadline.ts'
import type { KeyStore, StoreChanges } from './key-store.ts'

/**
 * How long this process may trust what it has cached. A poll of the store's revision that began at `t` makes cached
 * keys good until `t + leaseMs`; a change elsewhere resolves only after that time, so nothing stale is ever accepted
 * once it has. Age is the larger of monotonic and wall-clock elapsed: after a suspend one of them has not moved.
 */
export interface Lease {
  readonly leaseMs: number
  /** @param monotonic what the monotonic clock says now @param wall the same of the wall clock: both have been read by whoever asks */
  holds(monotonic: number, wall: number): boolean
  /** Milliseconds since the last successful poll began; infinite before the first. */
  ageMs(): number
  /** Whether the last poll failed. */
  isFailing(): boolean
  /** Whether a moment, read from both clocks, lies less than a lease back. */
  isWithin(monotonicAt: number, wallAt: number): boolean
  /** Polls until the lease holds. @throws StoreError when the store throws, or hangs. */
  renew(): Promise<void>
  /** Polls now, also when the lease holds. */
  refresh(): Promise<void>
  /** Polls soon: hints that come in a burst share one poll. */
  hint(): void
  /** The longest lease of any other cache of this store, in milliseconds; 0 when there is none. @throws when the store does not say. */
  longestElsewhereMs(): Promise<number>
  /** Ends polling and takes the registration back. */
  close(): Promise<void>
}

export interface LeaseOptions {
  store: KeyStore
  clock: Clock
  leaseMs: number
  onChanges: (keyIds: readonly string[] | 'all') => void
  onStoreError: (error: unknown) => void
  onRevisionRegressed: () => void
}

/** No lease is longer, in milliseconds. */
export const maxLeaseMs = 600_000

/** A registration in the store is renewed when it is this old, in milliseconds; see `KeyStore.registerLease`. */
const registrationMs = 600_000
/** Polls that hints cause begin at least this far apart, in milliseconds, however many hints somebody sends. */
const hintSpacingMs = 5
/** Pause before the third failed poll in a row is followed by another, in milliseconds; it grows with each. */
const firstPauseMs = 25
const longestPauseMs = 100

/** A moment on both clocks. */
interface Moment {
  monotonic: number
  wall: number
}

const never: Moment = { monotonic: Number.NEGATIVE_INFINITY, wall: Number.NEGATIVE_INFINITY }

export function createLease(options: LeaseOptions): Lease {
  const { store, clock } = options
  if (store.scope === 'process') return endlessLease

  const { leaseMs } = options
  const holder = `lse_${randomBase62(16)}`
  let revision: number | null = null
  let polledAt = never
  let registeredAt = never
  let polling: Promise<void> | undefined
  let pollAgain = false
  /** The number of the poll under way: an abandoned one may still answer, and must not be listened to. */
  let pollNumber = 0
  let pollBegan = Number.NEGATIVE_INFINITY
  let failures = 0
  let timer: NodeJS.Timeout | undefined
  let hintTimer: NodeJS.Timeout | undefined
  let closed = false

  const nowOnBoth = (): Moment => ({ monotonic: clock.monotonic(), wall: clock.now() })

  function ageOf(moment: Moment): number {
    return ageAt(moment, clock.monotonic(), clock.now())
  }

  async function ask(number: number): Promise<void> {
    if (store.registerLease !== undefined && ageOf(registeredAt) >= registrationMs) {
      const at = nowOnBoth()
      await store.registerLease(holder, leaseMs)
      registeredAt = at
    }
    if (number !== pollNumber) return
    const startedAt = nowOnBoth()
    const changes = await store.changes(revision)
    if (number !== pollNumber || closed) return
    apply(changes)
    polledAt = startedAt
  }

  function apply(changes: StoreChanges): void {
    const regressed = revision !== null && changes.revision < revision
    revision = changes.revision
    if (regressed) {
      options.onRevisionRegressed()
      options.onChanges('all')
    } else if (changes.changed.length > 0) {
      options.onChanges(changes.changed)
    }
  }

  async function poll(): Promise<void> {
    pollBegan = performance.now()
    try {
      await withDeadline(ask(++pollNumber))
      failures = 0
    } catch (error) {
      failures++
      throw error
    } finally {
      pollNumber++
    }
  }

  /** One poll at a time. A call during a poll is answered by a further one, as the first may have read too early. */
  function refresh(): Promise<void> {
    if (polling !== undefined) {
      pollAgain = true
      return polling
    }
    polling = (async () => {
      await pauseWhileFailing()
      do {
        pollAgain = false
        await poll()
      } while (pollAgain && !closed)
    })()
      .catch((error: unknown) => {
        if (!closed) options.onStoreError(error)
        throw toStoreError(error)
      })
      .finally(() => {
        polling = undefined
      })
    return polling
  }

  /** A store that refuses at once would otherwise be asked again by every single request. */
  async function pauseWhileFailing(): Promise<void> {
    if (failures < 2) return
    const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** (failures - 2))
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }

  function hint(): void {
    // Without a poll before it, nothing is cached that could be stale: a process that only manages keys never asks.
    if (closed || hintTimer !== undefined || polledAt === never) return
    const waitMs = Math.max(0, hintSpacingMs - (performance.now() - pollBegan))
    if (waitMs === 0) {
      refresh().catch(() => {})
      return
    }
    hintTimer = setTimeout(() => {
      hintTimer = undefined
      if (!closed) refresh().catch(() => {})
    }, waitMs)
    hintTimer.unref()
  }

  function schedule(): void {
    if (timer !== undefined || closed) return
    timer = setInterval(() => {
      if (polling === undefined) refresh().catch(() => {})
    }, leaseMs / 4)
    timer.unref()
  }

  const holdsNow = () => ageOf(polledAt) < leaseMs

  async function renew(): Promise<void> {
    schedule()
    // A poll that is under way may have begun before whoever asks, even before the process was frozen: when it leaves the
    // lease lapsed or fails, one that begins now has the last word. One that hung has used up the time there is.
    const joined = polling
    if (joined !== undefined) {
      await joined.catch((error: unknown) => {
        if (isTimeout(error)) throw error
      })
      if (holdsNow()) return
    }
    await (polling ?? refresh())
    if (!holdsNow()) throw new StoreError('store_timeout', 'The store answered too late to renew the lease.')
  }

  return {
    leaseMs,
    holds: (monotonic, wall) => ageAt(polledAt, monotonic, wall) < leaseMs,
    ageMs: () => ageOf(polledAt),
    isFailing: () => failures > 0,
    isWithin: (monotonic, wall) => ageOf({ monotonic, wall }) < leaseMs,
    renew,
    refresh,
    hint,
    // A store that keeps no register: all are taken to have the lease that this one has.
    longestElsewhereMs: async () => (await store.longestLeaseMs?.(holder)) ?? leaseMs,
    async close() {
      closed = true
      clearInterval(timer)
      clearTimeout(hintTimer)
      if (registeredAt === never) return
      // Best effort: a registration that stays makes revocations elsewhere wait, and ends by itself.
      try {
        await withDeadline(store.releaseLease?.(holder))
      } catch {}
    },
  }
}

function ageAt(moment: Moment, monotonic: number, wall: number): number {
  return Math.max(monotonic - moment.monotonic, wall - moment.wall)
}

function isTimeout(error: unknown): boolean {
  return error instanceof StoreError && error.code === 'store_timeout'
}

const endlessLease: Lease = {
  leaseMs: Number.POSITIVE_INFINITY,
  holds: () => true,
  ageMs: () => 0,
  isFailing: () => false,
  isWithin: () => true,
  renew: async () => {},
  refresh: async () => {},
  hint() {},
  longestElsewhereMs: async () => 0,
  close: async () => {},
}

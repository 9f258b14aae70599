import type { Clock } from '../keys/clock.ts'
import { StoreError } from '../keys/errors.ts'
import { withDeadline } from './deadline.ts'
import type { KeyStore, StoreChanges } from './key-store.ts'

/**
 * How long this process may trust what it has cached. A poll of the store's revision that began at `t` makes cached
 * keys good until `t + leaseMs`; a change elsewhere resolves only after that time, so nothing stale is ever accepted
 * once it has. Age is the larger of monotonic and wall-clock elapsed: after a suspend one of them has not moved.
 */
export interface Lease {
  readonly leaseMs: number
  holds(): boolean
  /** Milliseconds since the last successful poll began; infinite before the first. */
  ageMs(): number
  /** Whether a moment, read from both clocks, lies less than a lease back. */
  isWithin(monotonicAt: number, wallAt: number): boolean
  /** Polls until the lease holds. @throws whatever the store throws, or StoreError when it hangs. */
  renew(): Promise<void>
  /** Polls now, also when the lease holds. */
  refresh(): Promise<void>
  close(): void
}

export interface LeaseOptions {
  store: KeyStore
  clock: Clock
  leaseMs: number
  onChanges: (keyIds: readonly string[] | 'all') => void
  onStoreError: (error: unknown) => void
  onRevisionRegressed: () => void
}

export function createLease(options: LeaseOptions): Lease {
  const { store, clock } = options
  if (store.scope === 'process') return endlessLease

  const { leaseMs } = options
  let revision: number | null = null
  let polledAt = Number.NEGATIVE_INFINITY
  let wallPolledAt = Number.NEGATIVE_INFINITY
  let polling: Promise<void> | undefined
  let pollAgain = false
  let registered: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let closed = false

  function ageSince(monotonicAt: number, wallAt: number): number {
    return Math.max(clock.monotonic() - monotonicAt, clock.now() - wallAt)
  }

  async function poll(): Promise<void> {
    if (store.registerLease !== undefined) {
      registered ??= withDeadline(store.registerLease(leaseMs)).catch((error: unknown) => {
        registered = undefined
        throw error
      })
      await registered
    }
    const startedAt = clock.monotonic()
    const wallStartedAt = clock.now()
    const changes = await withDeadline(store.changes(revision))
    apply(changes)
    polledAt = startedAt
    wallPolledAt = wallStartedAt
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

  /** One poll at a time. A call during a poll is answered by a further one, as the first may have read too early. */
  function refresh(): Promise<void> {
    if (polling !== undefined) {
      pollAgain = true
      return polling
    }
    polling = (async () => {
      do {
        pollAgain = false
        await poll()
      } while (pollAgain && !closed)
    })()
      .catch((error: unknown) => {
        options.onStoreError(error)
        throw error
      })
      .finally(() => {
        polling = undefined
      })
    return polling
  }

  function schedule(): void {
    if (timer !== undefined || closed) return
    timer = setInterval(() => {
      if (polling === undefined) refresh().catch(() => {})
    }, leaseMs / 4)
    timer.unref()
  }

  function holds(): boolean {
    return ageSince(polledAt, wallPolledAt) < leaseMs
  }

  async function renew(): Promise<void> {
    schedule()
    // The second try is for a poll that hung while the process was frozen: it ends with an age past the lease.
    for (let attempt = 0; attempt < 2 && !holds(); attempt++) await (polling ?? refresh())
    if (!holds()) throw new StoreError('store_timeout', 'The store answered too late to renew the lease.')
  }

  return {
    leaseMs,
    holds,
    ageMs: () => ageSince(polledAt, wallPolledAt),
    isWithin: (monotonicAt, wallAt) => ageSince(monotonicAt, wallAt) < leaseMs,
    renew,
    refresh,
    close() {
      closed = true
      clearInterval(timer)
    },
  }
}

const endlessLease: Lease = {
  leaseMs: Number.POSITIVE_INFINITY,
  holds: () => true,
  ageMs: () => 0,
  isWithin: () => true,
  renew: async () => {},
  refresh: async () => {},
  close() {},
}

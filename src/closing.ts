import type { KeyCache } from './cache/key-cache-interface.ts'
import type { Outage } from './cache/outages.ts'
import type { RateLimiter } from './limits/rate-limiter.ts'
import type { Awaitable } from './runtime/awaitable.ts'
import { withDeadline } from './runtime/deadline.ts'
import { closedError } from './runtime/errors.ts'
import type { Pauses } from './runtime/pauses.ts'
import type { ChangeHints, KeyStore } from './stores/key-store.ts'
import type { DroppedUsage } from './usage/unsent-usage.ts'
import type { UsageRecorder } from './usage/usage-recorder.ts'
import type { CompiledKey } from './verifier/compiled-key.ts'
import type { UnderWay } from './verifier/under-way.ts'

/** Time limits from the call of `close`: for requests under way, for storing counts, and for all of it. */
const requestsMs = 3_000
const countsMs = 4_000
const allMs = 5_000
const minStepMs = 50

/**
 * Ends write keys: requests and calls that have begun are decided and counted before anything that they need goes away.
 */
export interface Closing {
  hasBegun(): boolean
  /** Resolves within five seconds whatever hangs. */
  close(): Promise<void>
  /** Refuses every lookup. */
  readonly closedCache: Pick<KeyCache<CompiledKey>, 'find' | 'findAgain' | 'isCurrent'>
}

export function createClosing(parts: {
  store: KeyStore
  limiter: RateLimiter
  hints: ChangeHints | undefined
  cache: Pick<KeyCache<CompiledKey>, 'close'>
  activity: { close(): Awaitable<void> }
  usage: Pick<UsageRecorder, 'close'>
  underWay: UnderWay
  /** Of changes that are waited for. */
  pauses: Pick<Pauses, 'endAll'>
  /** Called with what was not decided in time. */
  onDropped(dropped: DroppedUsage): void
  /** Tells no more of how limiter, hints and store are, but for their own end. */
  fallSilent(): void
  storeOutages: (part: 'closing') => Outage
}): Closing {
  const { store, limiter, hints, cache, activity, usage, underWay } = parts
  let closing: Promise<void> | undefined

  async function close(): Promise<void> {
    const startedAt = performance.now()
    const leftMs = (of: number) => Math.max(minStepMs, startedAt + of - performance.now())
    const inTime = (step: Awaitable<void> | undefined) =>
      withDeadline(step, leftMs(allMs)).catch(parts.storeOutages('closing').began)
    await underWay.ended(requestsMs)
    underWay.countPassed()
    const events = underWay.giveUp()
    if (events > 0) parts.onDropped({ events, refusals: 0 })
    parts.pauses.endAll()
    cache.close()
    await inTime(activity.close())
    await usage.close(leftMs(countsMs))
    parts.fallSilent()
    await inTime(limiter.close())
    await inTime(hints?.close())
    await inTime(store.close())
  }

  return {
    hasBegun: () => closing !== undefined,
    close() {
      closing ??= close()
      return closing
    },
    closedCache: { find: refuse, findAgain: refuse, isCurrent: refuse },
  }
}

function refuse(): never {
  throw closedError()
}

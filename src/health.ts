import type { CacheState, KeyCache } from './cache/key-cache-interface.ts'
import type { Outages } from './cache/outages.ts'
import type { PepperCheck } from './cache/pepper-check.ts'
import type { LimiterChange } from './limits/rate-limiter.ts'
import { closedError } from './runtime/errors.ts'
import type { KeyStore } from './stores/key-store.ts'
import type { UsageRecorder } from './usage/usage-recorder.ts'
import type { StorePart } from './verifier/decision-event.ts'

/** The state of one part, as far as this process knows. */
export interface PartHealth {
  readonly ok: boolean
  /** What is wrong, for people; absent while all is well. */
  readonly error?: string
}

/** The state of write keys in this process. Nothing is asked for it. */
export interface Health {
  /**
   * Whether the store answers, so that every good request can be accepted. The other parts have fallbacks.
   */
  readonly ok: boolean
  /**
   * The key store: whether the last question to it was answered, and this process has every pepper that keys
   * were made with. Not `ok` before the first answer of a store that others share.
   */
  readonly store: PartHealth
  /** The limiter: not `ok` while it works without the server that it depends on. */
  readonly limiter: PartHealth
  /** What announces changes early: hints, and a connection that listens. `ok` as well when there is none. */
  readonly hints: PartHealth
  readonly cache: CacheState
  /**
   * Counting: not `ok` while the store takes no counts. `unsent`: accepted events and refusals that wait to
   * be stored.
   */
  readonly usage: PartHealth & { readonly unsent: number }
}

export interface HealthParts {
  store: Pick<KeyStore, 'scope'>
  storeOutages: Outages<StorePart>
  hintsOutages: Outages
  cache: Pick<KeyCache<never>, 'begin' | 'look'>
  peppers: Pick<PepperCheck, 'missing'>
  usage: Pick<UsageRecorder, 'unsent'>
  limiterChange: () => LimiterChange | undefined
  hasClosed: () => boolean
}

/** Waits for nothing and asks nothing. */
export function createHealth(parts: HealthParts): () => Health {
  const { store, storeOutages, hintsOutages, cache, usage } = parts

  function storeError(state: CacheState): Error | string | undefined {
    if (parts.hasClosed()) return closedError().message
    const error = storeOutages.errorOf('questions') ?? parts.peppers.missing()
    if (error !== undefined) return error
    const hasAnswered = store.scope === 'process' || state.leaseMs > 0
    return hasAnswered ? undefined : 'The store has not been asked yet.'
  }

  return () => {
    // A probe may come before all requests: by the next one it is known whether the store answers.
    if (!parts.hasClosed()) cache.begin()
    const state = cache.look()
    const storeHealth = partHealth(storeError(state))
    const change = parts.limiterChange()
    return {
      ok: storeHealth.ok,
      store: storeHealth,
      limiter: partHealth(change?.state === 'degraded' ? change.error : undefined),
      hints: partHealth(hintsOutages.errorOf('listening', 'subscription', 'publishing')),
      cache: state,
      usage: { ...partHealth(storeOutages.errorOf('counts')), unsent: usage.unsent() },
    }
  }
}

function partHealth(error: Error | string | undefined): PartHealth {
  if (error === undefined) return { ok: true }
  return { ok: false, error: typeof error === 'string' ? error : error.message }
}

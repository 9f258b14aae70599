import { createOutages } from './cache/outages.ts'
import type { LimiterChange, RateLimiter } from './limits/rate-limiter.ts'
import type { StorePart } from './verifier/decision-event.ts'
import type { EventHook } from './verifier/event-hook.ts'

/**
 * Outages of the store, of hints and of the limiter, as events. From `fallSilent` on only that the store does not close: what is cut off
 * by closing is no outage.
 */
export function createReportedOutages(emit: EventHook, limiter: RateLimiter) {
  let isSilent = false
  const tell: EventHook = (event) => {
    if (!isSilent) emit(event)
  }
  const { unobserve, limiterChange } = observeLimiter(limiter, emit)
  return {
    limiterChange,
    fallSilent() {
      unobserve?.()
      isSilent = true
    },
    storeOutages: createOutages(
      (error, part: StorePart) => (part === 'closing' ? emit : tell)({ type: 'store_error', error, part }),
      () => tell({ type: 'store_recovered' }),
    ),
    hintsOutages: createOutages(
      (error) => tell({ type: 'hints_error', error }),
      () => tell({ type: 'hints_recovered' }),
    ),
  }
}

/** Tells how the limiter is, and keeps the last it said. */
function observeLimiter(limiter: RateLimiter, emit: EventHook) {
  let last: LimiterChange | undefined
  const unobserve = limiter.observe?.((change) => {
    last = change
    if (change.state === 'degraded') emit({ type: 'limiter_degraded', error: change.error })
    else emit({ type: 'limiter_recovered' })
  })
  return { unobserve, limiterChange: () => last }
}

import { isSoonOver } from '../http/unread-body.ts'
import { toRetryAfterSeconds } from '../limits/rate-limit-headers.ts'
import type { RateLimiter, RateLimitResult } from '../limits/rate-limiter.ts'
import { StoreError } from '../runtime/errors.ts'
import type { CompiledKey } from './compiled-key.ts'
import type { WriteKeyEvent } from './decision-event.ts'
import type { DecisionReport } from './decision-report.ts'
import { leastEventCost } from './event-cost.ts'
import type { Reason } from './reasons.ts'
import { type ChallengePolicy, type RefusalDetails, refusalReply } from './replies.ts'
import type { Refused } from './verdict.ts'
import { isBodyLeft, type Visit } from './visit.ts'

export interface RefusalsOptions {
  limiter: Pick<RateLimiter, 'peek'>
  challenge: ChallengePolicy
  emit: (event: WriteKeyEvent) => void
  eventBytes: number
}

/** The ways in which the sequence of checks ends early. Each is reported. */
export interface Refusals {
  refuse(visit: Visit, reason: Reason, details?: Partial<RefusalDetails>): Refused
  /** For a request with a body to be read: refused when the bucket has no room for even one event. Step 9. */
  refuseIfEmpty(visit: Visit): Refused | undefined
  /** Behind step 9. */
  refuseLate(visit: Visit, reason: Reason, details?: Partial<RefusalDetails>): Refused
  /** The limiter has no room for all of the events. */
  refuseRate(visit: Visit, result: RateLimitResult): Refused
  /** Something threw that should not have. */
  refuseUnavailable(visit: Visit, error: unknown): Refused
}

export function createRefusals(options: RefusalsOptions, report: DecisionReport): Refusals {
  const { limiter, challenge, emit } = options

  function refuse(visit: Visit, reason: Reason, details?: Partial<RefusalDetails>): Refused {
    report.refused(visit, reason)
    const reply = refusalReply(reason, challenge, {
      allowOrigin: visit.allowOrigin,
      fromBrowser: visit.fromPage,
      closeConnection: isBodyLeft(visit) && !isSoonOver(visit.request.headers),
      ...details,
    })
    return { ok: false, reason, reply }
  }

  function rateLimited(visit: Visit, result: RateLimitResult): Refused {
    return refuse(visit, 'rate_limited', {
      retryAfterSeconds: toRetryAfterSeconds(result.retryAfterMs),
      rateHeaders: visit.key?.ratePolicy?.headers(result),
    })
  }

  function peekEmpty(visit: Visit): RateLimitResult | undefined {
    const { ratePolicy, id } = visit.key as CompiledKey
    if (ratePolicy === null) return undefined
    const cost = leastEventCost(visit.request.headers, options.eventBytes)
    const result = limiter.peek?.(id, ratePolicy.rate, cost)
    return result === undefined || result.allowed === true ? undefined : result
  }

  /**
   * With the body at hand step 9 is made up for once something else refuses, so that the same refusal wins: one look at the
   * clock and the bucket less for what is accepted (0.15 of 3 µs).
   */
  function peekLate(visit: Visit): RateLimitResult | undefined {
    return typeof visit.request.body === 'function' || visit.isPaid ? undefined : peekEmpty(visit)
  }

  return {
    refuse,
    refuseIfEmpty(visit) {
      const isAhead = typeof visit.request.body === 'function' && !visit.isPaid
      const empty = isAhead ? peekEmpty(visit) : undefined
      return empty === undefined ? undefined : rateLimited(visit, empty)
    },
    refuseLate(visit, reason, details) {
      const empty = peekLate(visit)
      return empty === undefined ? refuse(visit, reason, details) : rateLimited(visit, empty)
    },
    refuseRate(visit, result) {
      return rateLimited(visit, peekLate(visit) ?? result)
    },
    refuseUnavailable(visit, error) {
      // Store errors have been reported where they arose, once per failed read and not once per waiting request.
      const reason = error instanceof StoreError ? 'store_unavailable' : 'internal_error'
      if (reason === 'internal_error') emit({ type: 'internal_error', error: toError(error) })
      try {
        return refuse(visit, reason)
      } catch {
        // What cannot even be told about, such as a request whose properties throw, is refused all the same.
        const plain = { allowOrigin: '*', fromBrowser: false, closeConnection: true }
        return { ok: false, reason, reply: refusalReply(reason, challenge, plain) }
      }
    },
  }
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}

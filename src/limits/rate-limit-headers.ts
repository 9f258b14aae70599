import type { Rate, RateLimitResult } from './rate-limiter.ts'
import { toRetryAfterSeconds, toSeconds } from './retry-after.ts'

/** The rate of a key and its headers, computed once per rate. See {@link createRatePolicy}. */
export interface RatePolicy {
  /** The rate for a limiter. */
  readonly rate: Rate
  /**
   * The headers of one answer, lower-case names: `ratelimit-policy`, `ratelimit`, `x-ratelimit-limit`,
   * `x-ratelimit-remaining`, `x-ratelimit-reset` (seconds from now) and, on a refusal, `retry-after`.
   */
  headers(result: RateLimitResult): Record<string, string>
}

/**
 * The rate and the headers of a key that may send `eps` events per second and `burstSeconds` worth of them at
 * once.
 *
 * The policy is advertised per whole window of `w` seconds, as the draft demands: the burst's length rounded
 * up, or the time of one event when that is longer. `q` is what the rate admits in it, at least 1.
 *
 * @param eps events per second, above 0; fractions allowed
 * @param burstSeconds above 0; fractions allowed
 *
 * Source: draft-ietf-httpapi-ratelimit-headers-10; field syntax of RFC 9651.
 */
export function createRatePolicy(eps: number, burstSeconds: number): RatePolicy {
  const windowSeconds = Math.max(Math.ceil(burstSeconds), Math.ceil(1 / eps))
  // 0.29 × 100 is 28.999999999999996.
  const quota = Math.max(1, Math.floor(eps * windowSeconds + 1e-9))
  const limit = String(quota)
  const policy = `"events";q=${limit};w=${windowSeconds}`

  return {
    rate: { eps, burst: eps * burstSeconds },
    headers(result) {
      const remaining = result.remaining < quota ? result.remaining : quota
      const seconds = result.allowed ? toSeconds(result.resetMs) : toRetryAfterSeconds(result.retryAfterMs)
      const texts = toTexts(remaining, seconds)
      const headers: Record<string, string> = {
        'ratelimit-policy': policy,
        ratelimit: texts.ratelimit,
        'x-ratelimit-limit': limit,
        'x-ratelimit-remaining': texts.remaining,
        'x-ratelimit-reset': texts.seconds,
      }
      if (!result.allowed) headers['retry-after'] = texts.seconds
      return headers
    },
  }
}

interface RateTexts {
  readonly ofRemaining: number
  readonly ofSeconds: number
  readonly ratelimit: string
  readonly remaining: string
  readonly seconds: string
}

/** Recent texts of all keys: buckets that are nearly full or empty give the same ones again and again. */
const madeTexts = new Array<RateTexts | undefined>(256).fill(undefined)

/**
 * The numbers in the forms that the headers need. Caching them saves 80 ns of the 1 000 that an accepted
 * request takes.
 */
function toTexts(remaining: number, seconds: number): RateTexts {
  const slot = (remaining + seconds) & 255
  const made = madeTexts[slot]
  if (made !== undefined && made.ofRemaining === remaining && made.ofSeconds === seconds) return made
  const texts = {
    ofRemaining: remaining,
    ofSeconds: seconds,
    ratelimit: `"events";r=${remaining};t=${seconds}`,
    remaining: String(remaining),
    seconds: String(seconds),
  }
  madeTexts[slot] = texts
  return texts
}

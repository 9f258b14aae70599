import { createMemoryLimiter } from '../../src/limits/memory-limiter.ts'
import type { RateLimiter } from '../../src/limits/rate-limiter.ts'

type LimiterListener = Parameters<NonNullable<RateLimiter['observe']>>[0]

/** A limiter that says of itself what the test makes it say. */
export function createToldLimiter() {
  let listener: LimiterListener = () => {}
  const limiter: RateLimiter = {
    ...createMemoryLimiter(),
    observe(given) {
      listener = given
      return () => {}
    },
  }
  const tell: LimiterListener = (event) => listener(event)
  return { limiter, tell }
}

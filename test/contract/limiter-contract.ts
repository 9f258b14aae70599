import { describe, expect, it } from 'vitest'
import type { RateLimiter } from '../../src/index.ts'
import type { Awaitable, LimiterHarness, ManualClock } from '../../src/testing/index.ts'
import { limiterContract as contract } from '../../src/testing/index.ts'

export { createManualClock, type LimiterHarness, type ManualClock } from '../../src/testing/index.ts'

/** The published suite, on Vitest. */
export function limiterContract(
  name: string,
  create: (clock: ManualClock) => Awaitable<RateLimiter | LimiterHarness>,
  keepsKeysApart = true,
): void {
  contract({ describe, it, expect }, name, create, keepsKeysApart)
}

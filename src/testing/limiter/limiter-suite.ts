import type { Rate, RateLimiter, RateLimitResult } from '../../limits/rate-limiter.ts'
import type { Awaitable } from '../../runtime/awaitable.ts'
import type { Expectation } from '../test-tools.ts'

/** A limiter that does not take its time from the clock of the suite, or is not exact. */
export interface LimiterHarness {
  limiter: RateLimiter
  /** Lets time pass for the limiter. Default: the clock of the suite moves. */
  advance?(ms: number): Awaitable<void>
  /**
   * Time in milliseconds that may pass by itself within one test. What the rate refills in that time may be
   * admitted in addition. Default 0.
   */
  slackMs?: number
  /** Events that may be admitted above the rate, or withheld, for a limiter that leases. Default 0. */
  slackEvents?: number
  /** Number of schedules to try for each property. Lower it if each call is a round trip. Default 300. */
  numRuns?: number
}

/** Shared by the parts of the limiter contract: each test has its own limiter and clock. */
export interface LimiterSuite {
  test(behaviour: string, body: () => Promise<void>): void
  /** A test for limiters that keep keys apart. */
  apart(behaviour: string, body: () => Promise<void>): void
  expect(value: unknown): Expectation
  limiterOf(): RateLimiter
  harnessOf(): LimiterHarness
  newKey(): string
  consume(keyId: string, cost: number, rate: Rate): Promise<RateLimitResult>
  advance(ms: number): Promise<void>
  /** Moves the wall clock alone. */
  advanceWallClock(ms: number): void
  /** Events admitted of so many calls. */
  admitted(keyId: string, calls: number, rate: Rate, cost?: number): Promise<number>
  /** Events that may be admitted on top. */
  slack(rate: Rate): number
  expectAbout(actual: number, exact: number, rate: Rate): void
  expectWellFormed(result: RateLimitResult): void
}

import { group, number } from '../runtime/options.ts'

/** How events and refusals are counted. */
export interface UsageOptions {
  /**
   * How long counts wait in memory before they are stored, in milliseconds. A crash loses at most that.
   * 100 to 3 600 000. Default 10 000.
   */
  flushMs?: number | undefined
  /** How many days counts are kept. 1 to 30. Default 30. */
  retentionDays?: number | undefined
}

/** The option `usage`. */
export const usageOption = group({
  flushMs: number(100, 3_600_000, 10_000),
  retentionDays: number(1, 30, 30),
})

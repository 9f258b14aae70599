import type { Awaitable } from '../runtime/awaitable.ts'

/** Holds keys to the monthly events of their plans, as usage counts them. */
export interface Quotas {
  /**
   * Takes `events` out of what is left, all or none. A promise when nothing is known of the key yet. A store
   * that does not answer refuses nobody.
   */
  take(keyId: string, events: number, monthlyEvents: number): Awaitable<boolean>
  /** Whether it is known that nothing is left. */
  isSpent(keyId: string, monthlyEvents: number): boolean
  /** Gives back what was taken for a request that was refused later. */
  release(keyId: string, events: number): void
  /** Milliseconds until the next month. */
  untilReset(): number
}

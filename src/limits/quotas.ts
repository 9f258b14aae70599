import type { Awaitable } from '../runtime/awaitable.ts'

/** Holds keys to the events that their plans give them in a month, as usage counts them. */
export interface Quotas {
  /**
   * Takes `events` out of what is left, all or none. A promise when nothing is known of the key yet. A store
   * that does not answer refuses nobody.
   */
  take(keyId: string, events: number, monthlyEvents: number): Awaitable<boolean>
  /** Whether it is known that nothing is left. */
  isSpent(keyId: string, monthlyEvents: number): boolean
  /** Gives back what was taken for a request that was refused after all. */
  release(keyId: string, events: number): void
  /** Milliseconds until the next month. */
  untilReset(): number
}

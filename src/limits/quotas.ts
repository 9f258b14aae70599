import type { Awaitable } from '../runtime/awaitable.ts'

/** Holds keys to the monthly events of their plans, as usage counts them. */
export interface Quotas {
  /**
   * Takes `events` out of what is left, all or none. A promise when nothing is known of the key yet. A store
   * that does not answer refuses nobody.
   *
   * @returns undefined when they do not fit
   */
  take(keyId: string, events: number, monthlyEvents: number): Awaitable<QuotaMonth | undefined>
  /** Whether it is known that nothing is left. */
  isSpent(keyId: string, monthlyEvents: number): boolean
  /** Milliseconds until the next month. */
  untilReset(): number
}

/** The month of a key that events were taken from. Each taking is given back or settled once. */
export interface QuotaMonth {
  /** For a request that was refused later. */
  giveBack(events: number): void
  /** For a request that usage has just counted as accepted, with `counted` of the events that were taken. */
  settle(taken: number, counted: number): void
}

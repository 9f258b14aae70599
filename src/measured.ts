import type { LookupCounts } from './cache/key-cache-interface.ts'
import type { Health } from './health.ts'
import { sharedByCopies } from './runtime/shared-by-copies.ts'
import type { DroppedUsage } from './usage/unsent-usage.ts'
import type { DecisionMeter } from './verifier/decision-counts.ts'

/** What can be measured of write keys. */
export interface Measured {
  /** Counts decisions from the first call on. */
  meter(): DecisionMeter
  health(): Health
  lookups(): LookupCounts
  /** Usage counts that were dropped. */
  dropped(): Readonly<DroppedUsage>
  /** By how much this process's clock differs from the store's, in milliseconds; 0 within two seconds. */
  clockErrorMs(): number
  /** How much of the budget for lookups of unknown keys is used, over all sources: 0 to 1. */
  unknownKeyBudgetUsed(): number
}

const measured = /* @__PURE__ */ sharedByCopies('measured', () => new WeakMap<object, Measured>())

/** Remembers what can be measured of some write keys, for `writekey/metrics`. */
export function noteMeasured(keys: object, what: Measured): void {
  measured.set(keys, what)
}

export function measuredOf(keys: object): Measured | undefined {
  return measured.get(keys)
}

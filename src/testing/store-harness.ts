import type { Awaitable } from '../runtime/awaitable.ts'
import type { KeyStore } from '../stores/key-store.ts'

/** A store to be tested, and what the suite needs to know about it. */
export interface StoreHarness {
  /** Empty, or holding keys of other tests that this one does not look at. */
  store: KeyStore
  /** Opens the same keys a second time, as another process would. Only for stores of scope `'shared'`. */
  open?(): Awaitable<KeyStore>
  /** Called after each test, instead of `store.close()`. */
  close?(): Awaitable<void>
}

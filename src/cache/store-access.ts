import type { Clock } from '../runtime/clock.ts'
import type { KeyStore, PollAnswer } from '../stores/key-store.ts'
import type { ChangeHistory } from './change-history.ts'
import { createLease, type Lease } from './lease.ts'
import type { Outage } from './outages.ts'
import { createOwnStorePoller, endlessLease } from './own-store.ts'
import { createPoller, type Poller } from './poller.ts'
import { createStanding } from './standing.ts'
import { createStoreLease } from './store-lease.ts'
import { createStoreQuestions } from './store-questions.ts'

export interface StoreAccessOptions {
  store: KeyStore
  clock: Clock
  changes: ChangeHistory
  leaseMs: number
  namesLease: boolean
  storeOutage: (part: 'questions' | 'lease') => Outage
  onChanged: (keyIds: readonly string[] | 'all') => void
  onRevisionRegressed: () => void
  onWatched?: ((isWatched: boolean) => void) | undefined
  /** Called with every answer of the store. */
  onAnswer: (answer: PollAnswer) => void
}

/** How a process asks its store, and how long it may trust the answers. */
export interface StoreAccess {
  readonly lease: Lease
  readonly poller: Poller
  /** Whether the store answers from this process's memory. */
  answersAtOnce(): boolean
}

export function createStoreAccess(options: StoreAccessOptions): StoreAccess {
  const { store, clock, changes, storeOutage } = options
  const { began, ended } = storeOutage('questions')
  const outage = { onStoreError: began, onStoreAnswer: ended, onAnswer: options.onAnswer }
  if (store.scope === 'process') {
    const poller = createOwnStorePoller({ store, changes, ...outage })
    return { lease: endlessLease, poller, answersAtOnce: poller.answersAtOnce }
  }
  const standing = createStanding(options)
  const lease = createLease(clock, options.leaseMs)
  const setLease = options.namesLease ? () => store.setLease?.(options.leaseMs) : undefined
  const { see: onAsk } = createStoreLease(setLease, storeOutage('lease'))
  const questions = createStoreQuestions({
    store,
    clock,
    standing,
    lease,
    changes,
    onAsk,
    onWatched: options.onWatched,
    ...outage,
  })
  return { lease, poller: createPoller(questions, lease), answersAtOnce: () => false }
}

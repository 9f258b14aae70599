import { storeDeadlineMs, withDeadline } from '../runtime/deadline.ts'
import { StoreError } from '../runtime/errors.ts'
import type { KnownSecrets } from './known-secrets.ts'
import { createLookupQueue } from './lookup-queue.ts'
import { type Asked, type BudgetRefusal, createPaidLookups, type Found, lookUp } from './paid-lookups.ts'
import type { Poller } from './poller.ts'
import type { UnknownKeyBudget } from './unknown-key-budget.ts'

export interface LookupsOptions {
  poller: Pick<Poller, 'lookUp' | 'poll'>
  budget: UnknownKeyBudget
  /** Which secrets exist; undefined when the store does not list them, or need not. */
  known: KnownSecrets | undefined
  /** Whether the store answers from memory: then a lookup is free. */
  answersAtOnce: () => boolean
}

/**
 * Looks digests up in the store. A secret that exists is never charged, whatever else arrives: only digests
 * outside the known ones meet the budget, and none is refused for it before the known ones have been updated.
 */
export interface Lookups {
  /**
   * @param digests of one presented secret, under each pepper, newest first.
   * @param source who pays when no key has any of them.
   * @throws StoreError `store_overloaded` when the budget of all is used up.
   */
  find(digests: readonly string[], source: string): Promise<Found | 'source_exhausted'>
  /** The same for a digest that belonged to a key a moment ago. Charges nobody. */
  findAgain(digest: string): Promise<Found>
  /**
   * Resolves when every change that was committed before this call is known. One poll, shared by all who
   * wait, at most 20 a second.
   * @throws StoreError when the store does not answer in time.
   */
  catchUp(): Promise<void>
  /** How many were refused so far as the budget of all was used up. */
  refused(): number
}

/** Polls before refusals begin at least this far apart, in milliseconds, and are shared by all who wait. */
const catchUpSpacingMs = 50

export function createLookups({ poller, budget, known, answersAtOnce }: LookupsOptions): Lookups {
  const queue = createLookupQueue()
  const paid = createPaidLookups({ poller, budget, queue, knowsSecrets: known !== undefined })
  const catchUp = createCatchingUp(poller)
  let refused = 0

  async function findKnown({ digests, source, leftMs }: Asked): Promise<Found | undefined> {
    if (known === undefined) return undefined
    const digest = digests.find((candidate) => known.has(candidate))
    if (digest === undefined) return undefined
    const leave = await queue.enter(true)
    try {
      const found = await lookUp(poller, digest, leftMs())
      if (found.record !== undefined) return found
      if (found.isUndisturbed) known.delete(digest)
      budget.charge(source)
      return digests.length === 1 ? found : undefined
    } finally {
      leave()
    }
  }

  async function find(asked: Asked): Promise<Found | BudgetRefusal> {
    if (answersAtOnce()) return paid.findFree(asked)
    const knownBefore = await findKnown(asked)
    if (knownBefore !== undefined) return knownBefore
    const found = await paid.findStranger(asked)
    if (typeof found !== 'string' || known === undefined) return found
    await withDeadline(catchUp(), asked.leftMs())
    await withDeadline(known.caughtUp(), asked.leftMs())
    return (await findKnown(asked)) ?? found
  }

  return {
    async find(digests, source) {
      const found = await find({ digests, source, leftMs: startDeadline() })
      if (found !== 'all_exhausted') return found
      refused++
      throw new StoreError(
        'store_overloaded',
        'Too many unknown keys are being looked up; the store is spared.',
      )
    },
    async findAgain(digest) {
      const leftMs = startDeadline()
      const leave = await queue.enter(true)
      try {
        return await lookUp(poller, digest, leftMs())
      } finally {
        leave()
      }
    },
    catchUp: () => withDeadline(catchUp()),
    refused: () => refused,
  }
}

/** One deadline for the waits and the answer. */
function startDeadline(): () => number {
  const endsAt = performance.now() + storeDeadlineMs
  return () => Math.max(1, endsAt - performance.now())
}

/** Callers that come while the last poll is under way share the next one. */
function createCatchingUp(poller: Pick<Poller, 'poll'>): () => Promise<void> {
  let catchingUp: Promise<void> | undefined
  let caughtUpAt = Number.NEGATIVE_INFINITY

  async function catchUp(): Promise<void> {
    const waitMs = Math.max(0, caughtUpAt + catchUpSpacingMs - performance.now())
    await new Promise((resolve) => setTimeout(resolve, waitMs))
    catchingUp = undefined
    caughtUpAt = performance.now()
    await poller.poll()
  }

  return () => {
    catchingUp ??= catchUp()
    return catchingUp
  }
}

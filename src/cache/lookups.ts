import { digestToHex } from '../keys/secret.ts'
import { storeDeadlineMs, withDeadline } from '../runtime/deadline.ts'
import { StoreError } from '../runtime/errors.ts'
import type { KnownSecrets } from './known-secrets.ts'
import { createLookupQueue } from './lookup-queue.ts'
import type { BudgetVerdict, MissBudget } from './miss-budget.ts'
import type { Poller } from './poller.ts'
import type { LookedUp } from './store-questions.ts'

export interface LookupsOptions {
  poller: Pick<Poller, 'lookUp' | 'poll'>
  budget: MissBudget
  /** Which secrets exist; undefined when the store does not list them, or need not. */
  known: KnownSecrets | undefined
  /** Whether the store answers from memory: then a lookup is free. */
  answersAtOnce: () => boolean
}

type Refusal = Exclude<BudgetVerdict, 'granted'>

/** What the store holds for a digest. */
export interface Found extends LookedUp {
  readonly digest: string
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
}

/** Polls before refusals begin at least this far apart, in milliseconds, and are shared by all who wait. */
const catchUpSpacingMs = 50

export function createLookups({ poller, budget, known, answersAtOnce }: LookupsOptions): Lookups {
  const queue = createLookupQueue()
  let catchingUp: Promise<void> | undefined
  let caughtUpAt = Number.NEGATIVE_INFINITY

  /** One deadline for the waits and the answer. */
  function startDeadline(): () => number {
    const endsAt = performance.now() + storeDeadlineMs
    return () => Math.max(1, endsAt - performance.now())
  }

  async function lookUp(digest: string, leftMs: number): Promise<Found> {
    return { ...(await poller.lookUp(digestToHex(digest), leftMs)), digest }
  }

  async function findKnown(
    digests: readonly string[],
    source: string,
    leftMs: () => number,
  ): Promise<Found | undefined> {
    const digest = digests.find((candidate) => known?.has(candidate))
    if (digest === undefined) return undefined
    const leave = await queue.enter(true)
    try {
      const found = await lookUp(digest, leftMs())
      if (found.record !== undefined) return found
      if (found.isUndisturbed) known?.delete(digest)
      budget.charge(source)
      return digests.length === 1 ? found : undefined
    } finally {
      leave()
    }
  }

  /**
   * A digest outside the known ones hardly ever exists: it is charged before the lookup, so that many at once
   * cannot overdraw the budget.
   */
  async function findStranger(
    digests: readonly string[],
    source: string,
    leftMs: () => number,
  ): Promise<Found | Refusal> {
    const before = budget.check(source)
    if (before !== 'granted') return before
    if (known !== undefined) return payAndFind(digests, source, leftMs)
    const leave = await queue.enter(false)
    try {
      const verdict = budget.check(source)
      return verdict === 'granted' ? await findAny(digests, source, leftMs) : verdict
    } finally {
      leave()
    }
  }

  async function payAndFind(
    digests: readonly string[],
    source: string,
    leftMs: () => number,
  ): Promise<Found> {
    for (const _ of digests) budget.charge(source)
    const leave = await queue.enter(false)
    try {
      const found = await lookUpEach(digests, leftMs)
      if (found.record !== undefined) for (const _ of digests) budget.refund(source)
      return found
    } finally {
      leave()
    }
  }

  /** Charges only for a secret that no key has under any pepper, and then for each lookup. */
  async function findAny(digests: readonly string[], source: string, leftMs: () => number): Promise<Found> {
    const found = await lookUpEach(digests, leftMs)
    if (found.record === undefined) for (const _ of digests) budget.charge(source)
    return found
  }

  async function lookUpEach(digests: readonly string[], leftMs: () => number): Promise<Found> {
    let found: Found | undefined
    for (const digest of digests) {
      found = await lookUp(digest, leftMs())
      if (found.record !== undefined) break
    }
    return found as Found
  }

  /** Callers that come while the last one is under way share the next one. */
  function catchUp(): Promise<void> {
    catchingUp ??= (async () => {
      const waitMs = Math.max(0, caughtUpAt + catchUpSpacingMs - performance.now())
      await new Promise((resolve) => setTimeout(resolve, waitMs))
      catchingUp = undefined
      caughtUpAt = performance.now()
      await poller.poll()
      await known?.caughtUp()
    })()
    return catchingUp
  }

  async function findFree(
    digests: readonly string[],
    source: string,
    leftMs: () => number,
  ): Promise<Found | Refusal> {
    const verdict = budget.check(source)
    const found = await findAny(digests, source, leftMs)
    return found.record !== undefined || verdict === 'granted' ? found : verdict
  }

  async function find(digests: readonly string[], source: string): Promise<Found | Refusal> {
    const leftMs = startDeadline()
    if (answersAtOnce()) return findFree(digests, source, leftMs)
    const knownBefore = await findKnown(digests, source, leftMs)
    if (knownBefore !== undefined) return knownBefore
    const found = await findStranger(digests, source, leftMs)
    if (typeof found !== 'string' || known === undefined) return found
    await withDeadline(catchUp(), leftMs())
    return (await findKnown(digests, source, leftMs)) ?? found
  }

  return {
    async find(digests, source) {
      const found = await find(digests, source)
      if (found !== 'all_exhausted') return found
      throw new StoreError(
        'store_overloaded',
        'Too many unknown keys are being looked up; the store is spared.',
      )
    },
    async findAgain(digest) {
      const leftMs = startDeadline()
      const leave = await queue.enter(true)
      try {
        return await lookUp(digest, leftMs())
      } finally {
        leave()
      }
    },
  }
}

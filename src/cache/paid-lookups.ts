import { digestToHex } from '../keys/secret-hash.ts'
import type { LookupQueue } from './lookup-queue.ts'
import type { Poller } from './poller.ts'
import type { LookedUp } from './store-questions.ts'
import type { BudgetVerdict, UnknownKeyBudget } from './unknown-key-budget.ts'

export type BudgetRefusal = Exclude<BudgetVerdict, 'granted'>

/** What the store holds for a digest. */
export interface Found extends LookedUp {
  readonly digest: string
}

/** The digests of one presented secret, under each pepper, newest first; who pays; and how long it may take. */
export interface Asked {
  readonly digests: readonly string[]
  readonly source: string
  readonly leftMs: () => number
}

/** Looks up digests that are not known to exist, at the cost of their source when no key has them. */
export interface PaidLookups {
  /** In the queue, within the budget. */
  findStranger(asked: Asked): Promise<Found | BudgetRefusal>
  /** Of a store that answers from memory: found whatever the budget says. */
  findFree(asked: Asked): Promise<Found | BudgetRefusal>
}

export interface PaidLookupsOptions {
  poller: Pick<Poller, 'lookUp'>
  budget: UnknownKeyBudget
  queue: LookupQueue
  /** Whether it is known which secrets exist. */
  knowsSecrets: boolean
}

export async function lookUp(poller: Pick<Poller, 'lookUp'>, digest: string, leftMs: number): Promise<Found> {
  return { ...(await poller.lookUp(digestToHex(digest), leftMs)), digest }
}

export function createPaidLookups({ poller, budget, queue, knowsSecrets }: PaidLookupsOptions): PaidLookups {
  /**
   * A digest outside the known ones hardly ever exists: it is charged before the lookup, so that many at once
   * cannot overdraw the budget.
   */
  async function findStranger(asked: Asked): Promise<Found | BudgetRefusal> {
    const { source } = asked
    const before = budget.check(source)
    if (before !== 'granted') return before
    if (knowsSecrets) return payAndFind(asked)
    const leave = await queue.enter(false)
    try {
      const verdict = budget.check(source)
      return verdict === 'granted' ? await findAny(asked) : verdict
    } finally {
      leave()
    }
  }

  async function payAndFind(asked: Asked): Promise<Found> {
    const { digests, source } = asked
    for (const _ of digests) budget.charge(source)
    const leave = await queue.enter(false)
    try {
      const found = await lookUpEach(asked)
      if (found.record !== undefined) for (const _ of digests) budget.refund(source)
      return found
    } finally {
      leave()
    }
  }

  /** Charges only for a secret that no key has under any pepper, and then for each lookup. */
  async function findAny(asked: Asked): Promise<Found> {
    const { digests, source } = asked
    const found = await lookUpEach(asked)
    if (found.record === undefined) for (const _ of digests) budget.charge(source)
    return found
  }

  async function lookUpEach({ digests, leftMs }: Asked): Promise<Found> {
    let found: Found | undefined
    for (const digest of digests) {
      found = await lookUp(poller, digest, leftMs())
      if (found.record !== undefined) break
    }
    return found as Found
  }

  return {
    findStranger,
    async findFree(asked) {
      const verdict = budget.check(asked.source)
      const found = await findAny(asked)
      return found.record !== undefined || verdict === 'granted' ? found : verdict
    },
  }
}

import { describe, expect, it } from 'vitest'
import { createLookupQueue } from '../../src/cache/lookup-queue.ts'
import { createPaidLookups } from '../../src/cache/paid-lookups.ts'
import type { BudgetVerdict } from '../../src/cache/unknown-key-budget.ts'
import { createKeyRecord, type KeyRecord } from '../../src/testing/index.ts'

/** Looks up in a store that has one key, and counts what it costs. */
function setUp({ knowsSecrets = false, has = '', verdicts = [] as BudgetVerdict[] } = {}) {
  const record = createKeyRecord()
  const queue = createLookupQueue()
  const asked: [string, number][] = []
  const paid = { charged: 0, refunded: 0, most: 0 }
  const store: { answer: () => KeyRecord | undefined | Promise<never> } = { answer: () => record }
  const lookups = createPaidLookups({
    poller: {
      async lookUp(keyHash, leftMs) {
        asked.push([keyHash, leftMs])
        paid.most = Math.max(paid.most, paid.charged)
        const found =
          keyHash === Buffer.from(has, 'latin1').toString('hex') ? await store.answer() : undefined
        return { record: found, generation: 3, isUndisturbed: true }
      },
    },
    budget: {
      check: () => verdicts.shift() ?? 'granted',
      isSpent: () => false,
      used: () => 0,
      charge(source) {
        expect(source).toBe('192.0.2.1')
        paid.charged++
      },
      refund(source) {
        expect(source).toBe('192.0.2.1')
        paid.refunded++
      },
    },
    queue,
    knowsSecrets,
  })
  const of = (...digests: string[]) => ({ digests, source: '192.0.2.1', leftMs: () => 700 })
  return { lookups, asked, paid, record, queue, of, store }
}

/** Whether as many places are free as at first. */
const isEmpty = (queue: ReturnType<typeof createLookupQueue>) =>
  Array.from({ length: 32 }, () => queue.enter(true)).every((leave) => typeof leave === 'function')

describe.each([true, false])('a stranger, where it is known which secrets exist: %s', (knowsSecrets) => {
  it('that no key has pays for each digest', async () => {
    const { lookups, asked, paid, of, queue } = setUp({ knowsSecrets })
    expect(await lookups.findStranger(of('a', 'b'))).toMatchObject({ record: undefined, digest: 'b' })
    expect(asked).toEqual([
      ['61', 700],
      ['62', 700],
    ])
    expect(paid).toMatchObject({ charged: 2, refunded: 0, most: knowsSecrets ? 2 : 0 })
    expect(isEmpty(queue)).toBe(true)
  })

  it('that a key has pays nothing, and is not looked for any further', async () => {
    const { lookups, asked, paid, of, record, queue } = setUp({ knowsSecrets, has: 'b' })
    const found = await lookups.findStranger(of('a', 'b', 'c'))
    expect(found).toEqual({ record, digest: 'b', generation: 3, isUndisturbed: true })
    expect(asked.length).toBe(2)
    expect(paid.charged).toBe(paid.refunded)
    expect(isEmpty(queue)).toBe(true)
  })

  it('is refused beyond the budget', async () => {
    for (const refusal of ['source_exhausted', 'all_exhausted'] as const) {
      const { lookups, asked, paid, of } = setUp({ knowsSecrets, verdicts: [refusal] })
      expect(await lookups.findStranger(of('a'))).toBe(refusal)
      expect(asked).toEqual([])
      expect(paid.charged).toBe(0)
    }
  })

  it('leaves the queue when the store fails', async () => {
    const { lookups, of, store, queue } = setUp({ knowsSecrets, has: 'a' })
    store.answer = () => Promise.reject(new Error('down'))
    await expect(lookups.findStranger(of('a'))).rejects.toThrow('down')
    expect(isEmpty(queue)).toBe(true)
  })

  it('is looked up in its turn', async () => {
    const { lookups, of, queue, asked } = setUp({ knowsSecrets })
    const leaves = Array.from({ length: 32 }, () => queue.enter(true) as () => void)
    const found = lookups.findStranger(of('a'))
    const known = queue.enter(true) as Promise<() => void>
    leaves[0]?.()
    const leaveKnown = await known
    expect(asked).toEqual([])
    leaveKnown()
    expect(await found).toMatchObject({ record: undefined })
  })
})

describe('a stranger that has waited', () => {
  it('is refused when the budget was used up meanwhile', async () => {
    const { lookups, asked, of, queue } = setUp({ verdicts: ['granted', 'all_exhausted'] })
    expect(await lookups.findStranger(of('a'))).toBe('all_exhausted')
    expect(asked).toEqual([])
    expect(isEmpty(queue)).toBe(true)
  })

  it('has paid already where it is known which secrets exist', async () => {
    const { lookups, asked, of } = setUp({ knowsSecrets: true, verdicts: ['granted', 'all_exhausted'] })
    expect(await lookups.findStranger(of('a'))).toMatchObject({ record: undefined })
    expect(asked.length).toBe(1)
  })
})

describe('a lookup that is free', () => {
  it('finds a key whatever the budget says', async () => {
    const { lookups, of, record, paid } = setUp({ has: 'a', verdicts: ['source_exhausted'] })
    expect(await lookups.findFree(of('a'))).toMatchObject({ record, digest: 'a' })
    expect(paid.charged).toBe(0)
  })

  it('says that no key has a digest within the budget, and pays', async () => {
    const { lookups, of, paid } = setUp({ verdicts: ['granted', 'all_exhausted'] })
    expect(await lookups.findFree(of('a'))).toMatchObject({ record: undefined })
    expect(await lookups.findFree(of('a'))).toBe('all_exhausted')
    expect(paid).toMatchObject({ charged: 2, refunded: 0 })
  })
})

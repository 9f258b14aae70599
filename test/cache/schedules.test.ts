import { describe, expect, it } from 'vitest'
import type { KeyStore } from '../../src/index.ts'
import type { KeyRecord, PollAnswer, PollQuestion, Position } from '../../src/testing/index.ts'
import { createKeyRecord } from '../../src/testing/index.ts'
import { createManualClock } from '../contract/limiter-contract.ts'
import { createRecordCache } from './record-cache.ts'
import { digestOf } from './shared-memory.ts'

/** A question that waits for the answer that a test gives it. */
interface Asked {
  readonly question: PollQuestion
  answer(answer: Partial<PollAnswer>): Promise<void>
  fail(error: Error): Promise<void>
}

const active = createKeyRecord()
const revoked: KeyRecord = { ...active, status: 'revoked', version: 2 }
const at = (revision: number, mark = 'today'): Position => ({ revision, mark: `${mark} ${revision}` })
const settle = () => new Promise(setImmediate)

/** A cache whose store answers in the order that the test says, and what it holds of the key. */
function setUp() {
  const clock = createManualClock()
  const asked: Asked[] = []
  let regressed = 0
  const store = {
    scope: 'shared',
    poll: (question: PollQuestion) =>
      new Promise<PollAnswer>((resolve, reject) => {
        asked.push({
          question,
          async answer(answer) {
            resolve({ position: at(7), history: 'kept', changed: [], leaseMs: 40_000, ...answer })
            await settle()
          },
          async fail(error) {
            reject(error)
            await settle()
          },
        })
      }),
  } as unknown as KeyStore
  const cache = createRecordCache(store, clock, { onRevisionRegressed: () => regressed++ })
  const find = async () => {
    const found = await cache.find(digestOf(active), () => '192.0.2.1')
    return typeof found === 'string' ? found : found.status
  }
  /** The next question that nobody has answered yet. */
  let next = 0
  const nextAsked = async (): Promise<Asked> => {
    for (let turn = 0; turn < 20 && asked.length <= next; turn++) await settle()
    const question = asked[next++]
    if (question === undefined) throw new Error('the store was not asked')
    return question
  }
  /** Makes the process stand at a position, with nothing cached. */
  const standAt = async (position: Position) => {
    const refreshed = cache.refresh()
    await (await nextAsked()).answer({ position, changed: 'all' })
    await refreshed
  }
  /** A look-up that is under way while a later poll gets this answer. */
  const overtake = async (answer: Partial<PollAnswer>) => {
    await standAt(at(7))
    const found = find()
    const lookUp = await nextAsked()
    const refreshed = cache.refresh()
    await (await nextAsked()).answer(answer)
    await refreshed
    return { found, lookUp }
  }
  /** Looks the key up, with this answer. */
  const findActive = async () => {
    const found = find()
    await (await nextAsked()).answer({ record: active })
    return found
  }
  /** What the gate asks about. */
  const findRecord = async () => {
    const finding = cache.find(digestOf(active), () => '192.0.2.1')
    await (await nextAsked()).answer({ record: active })
    const found = await finding
    if (typeof found === 'string') throw new Error(found)
    return found
  }
  return {
    ...{ clock, cache, find, nextAsked, standAt, overtake, findActive, findRecord },
    ...{ count: () => asked.length, regressed: () => regressed },
  }
}

describe('a look-up', () => {
  it('that was answered by a history lost since is thrown away and asked again', async () => {
    const { cache, find, nextAsked, overtake, regressed } = setUp()
    const { found, lookUp } = await overtake({ position: at(5, 'restored'), history: 'lost', changed: 'all' })
    expect(regressed()).toBe(1)
    await lookUp.answer({ position: at(8), changed: [], record: active })
    const again = await nextAsked()
    expect(again.question).toEqual({ since: at(5, 'restored'), keyHash: active.secrets[0]?.keyHash })
    await again.answer({ position: at(5, 'restored'), record: revoked })
    expect(await found).toBe('revoked')
    expect(await find()).toBe('revoked')
    cache.close()
  })

  it('is not taken for the number of its revision alone', async () => {
    const { cache, nextAsked, overtake } = setUp()
    const { found, lookUp } = await overtake({ position: at(8, 'restored'), history: 'lost', changed: 'all' })
    await lookUp.answer({ position: at(8), record: active })
    await (await nextAsked()).answer({ position: at(8, 'restored'), record: revoked })
    expect(await found).toBe('revoked')
    cache.close()
  })

  it('counts when it shows where the process has moved to meanwhile, of a key that has not changed', async () => {
    const { cache, find, overtake, count } = setUp()
    const { found, lookUp } = await overtake({ position: at(9), changed: ['wk_other'] })
    await lookUp.answer({ position: at(9), changed: ['wk_other'], record: active })
    expect(await found).toBe('active')
    expect(count()).toBe(3)
    expect(await find()).toBe('active')
    expect(count()).toBe(3)
    cache.close()
  })

  it('of another moment counts when its key has changed neither here nor there, and moves nothing', async () => {
    const { cache, find, nextAsked, overtake, count } = setUp()
    const { found, lookUp } = await overtake({ position: at(9), changed: ['wk_other'] })
    await lookUp.answer({ position: at(8), changed: ['wk_other'], record: active })
    expect(await found).toBe('active')
    expect(await find()).toBe('active')
    expect(count()).toBe(3)
    const poll = cache.refresh()
    expect((await nextAsked()).question.since).toEqual(at(9))
    poll.catch(() => {})
    cache.close()
  })

  it.each([
    ['here', ['wk_other', active.id], ['wk_other']],
    ['there', ['wk_other'], ['wk_other', active.id]],
  ])('of another moment is asked again when its key has changed %s', async (_, here, there) => {
    const { cache, nextAsked, overtake } = setUp()
    const { found, lookUp } = await overtake({ position: at(9), changed: here })
    await lookUp.answer({ position: at(8), changed: there, record: active })
    await (await nextAsked()).answer({ position: at(9), record: revoked })
    expect(await found).toBe('revoked')
    cache.close()
  })

  it('is asked again when its key was dropped meanwhile, though it shows where the process stands', async () => {
    const { cache, find, nextAsked, standAt } = setUp()
    await standAt(at(7))
    const found = find()
    const lookUp = await nextAsked()
    cache.forget([active.id])
    await lookUp.answer({ position: at(7), record: active })
    await (await nextAsked()).answer({ position: at(8), changed: [active.id], record: revoked })
    expect(await found).toBe('revoked')
    cache.close()
  })

  it('moves the process, and drops what it says has changed', async () => {
    const { cache, find, nextAsked, standAt, findActive } = setUp()
    const other = createKeyRecord()
    await standAt(at(7))
    expect(await findActive()).toBe('active')
    const foundOther = cache.find(digestOf(other), () => '192.0.2.1')
    await (await nextAsked()).answer({ position: at(8), changed: [active.id], record: other })
    await foundOther
    const again = find()
    const asked = await nextAsked()
    expect(asked.question.since).toEqual(at(8))
    await asked.answer({ position: at(8), record: revoked })
    expect(await again).toBe('revoked')
    cache.close()
  })

  it('renews the lease, from when it was asked', async () => {
    const { clock, cache, find, nextAsked, standAt, count } = setUp()
    await standAt(at(7))
    clock.advance(30_000)
    const found = find()
    const lookUp = await nextAsked()
    clock.advance(5_000)
    await lookUp.answer({ record: active })
    expect(await found).toBe('active')
    clock.advance(34_999)
    expect(await find()).toBe('active')
    expect(count()).toBe(2)
    clock.advance(1)
    const late = find()
    await (await nextAsked()).answer({ position: at(8), changed: [active.id] })
    await (await nextAsked()).answer({ position: at(8), record: revoked })
    expect(await late).toBe('revoked')
    cache.close()
  })
})

describe('a poll', () => {
  it('of a lost history that comes after one of today changes nothing', async () => {
    const { cache, find, nextAsked, standAt, findActive } = setUp()
    await standAt(at(7))
    const poll = cache.refresh()
    const late = await nextAsked()
    expect(await findActive()).toBe('active')
    await late.answer({ position: at(8, 'lost'), changed: [] })
    // A look-up that began later has said what there is to know.
    await poll
    const next = cache.refresh()
    const again = await nextAsked()
    expect(again.question.since).toEqual(at(7))
    await again.answer({ position: at(8), changed: [active.id] })
    await next
    const after = find()
    await (await nextAsked()).answer({ position: at(8), record: revoked })
    expect(await after).toBe('revoked')
    cache.close()
  })

  it('that fails leaves everything as it is until the lease ends, and then the next one is asked first', async () => {
    const { clock, cache, find, nextAsked, standAt, findActive } = setUp()
    await standAt(at(7))
    await findActive()
    const poll = cache.refresh()
    const failed = expect(poll).rejects.toMatchObject({ code: 'store_unavailable' })
    await (await nextAsked()).fail(new Error('down'))
    await failed
    expect(await find()).toBe('active')
    clock.advance(60_000)
    const late = find()
    await (await nextAsked()).answer({})
    expect(await late).toBe('active')
    cache.close()
  })

  it('whose place was pruned drops everything and regresses nothing', async () => {
    const { cache, find, nextAsked, standAt, findActive, regressed } = setUp()
    await standAt(at(7))
    await findActive()
    const poll = cache.refresh()
    await (await nextAsked()).answer({ position: at(90_000), history: 'pruned', changed: 'all' })
    await poll
    expect(regressed()).toBe(0)
    const after = find()
    await (await nextAsked()).answer({ position: at(90_000), record: revoked })
    expect(await after).toBe('revoked')
    cache.close()
  })
})

describe('the gate', () => {
  it('opens for what was found while the lease holds and nothing of the key was dropped', async () => {
    const { clock, cache, nextAsked, standAt, findRecord } = setUp()
    await standAt(at(7))
    const found = await findRecord()
    expect(cache.isCurrent(found)).toBe(true)
    cache.forget(['wk_other'])
    expect(cache.isCurrent(found)).toBe(true)
    clock.advance(60_000)
    expect(cache.isCurrent(found)).toBe(false)
    const again = cache.findAgain(found)
    await (await nextAsked()).answer({ position: at(8), changed: [active.id] })
    await (await nextAsked()).answer({ position: at(8), record: revoked })
    expect(await again).toMatchObject({ status: 'revoked' })
    cache.close()
  })

  it('closes when the key is dropped, for whoever found it before', async () => {
    const { cache, nextAsked, standAt, findRecord } = setUp()
    await standAt(at(7))
    const found = await findRecord()
    cache.forget([active.id])
    expect(cache.isCurrent(found)).toBe(false)
    const again = cache.findAgain(found)
    await (await nextAsked()).answer({ position: at(8), changed: [active.id] })
    expect(await again).toBe('unknown')
    cache.close()
    expect(cache.isCurrent(found)).toBe(false)
  })
})

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createChangeHistory } from '../../src/cache/change-history.ts'
import { createLease } from '../../src/cache/lease.ts'
import { createStanding } from '../../src/cache/standing.ts'
import { createStoreQuestions, type StoreQuestionsOptions } from '../../src/cache/store-questions.ts'
import { createKeyRecord, type PollAnswer, type PollQuestion } from '../../src/testing/index.ts'
import { createManualClock } from '../contract/limiter-contract.ts'
import { createGate } from './shared-memory.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

const at = (revision: number) => ({ revision, mark: `mark ${revision}` })
const answer = (revision: number, parts: Partial<PollAnswer> = {}): PollAnswer => ({
  position: at(revision),
  history: 'kept',
  changed: [],
  leaseMs: 2_000,
  ...parts,
})
type Given = (question: PollQuestion) => PollAnswer | Promise<PollAnswer>

/** @param script what the store answers to each question; the last of them for all that follow */
function setUp(...script: Given[]) {
  const clock = createManualClock()
  const changes = createChangeHistory()
  const asked: PollQuestion[] = []
  const told: unknown[] = []
  const watched: boolean[] = []
  const standing = createStanding({
    clock,
    changes,
    onChanged: (keyIds) => keyIds.length > 0 && changes.note(keyIds),
    onRevisionRegressed: () => {},
  })
  const options: StoreQuestionsOptions = {
    store: {
      poll(question) {
        asked.push(question)
        return (script[asked.length - 1] ?? (script.at(-1) as Given))(question)
      },
    },
    clock,
    standing,
    lease: createLease(clock, 60_000),
    changes,
    onAsk: () => told.push('asks'),
    onStoreError: (error) => told.push(error),
    onStoreAnswer: () => told.push('answered'),
    onWatched: (isWatched) => watched.push(isWatched),
    onAnswer: ({ position }) => told.push(position.revision),
  }
  return { clock, changes, options, questions: createStoreQuestions(options), asked, told, watched }
}

describe('a question to the store', () => {
  it('says where the process stands, and the digest if there is one', async () => {
    const { questions, asked, told } = setUp(() => answer(1))
    await questions.ask()
    await questions.ask('ab')
    expect(asked).toStrictEqual([{ since: null }, { since: at(1), keyHash: 'ab' }])
    expect(told).toEqual(['asks', 1, 'answered', 'asks', 1, 'answered'])
  })

  it('renews the lease from its beginning', async () => {
    const { questions, clock } = setUp(() => {
      clock.advance(500)
      return answer(1)
    })
    expect(questions.leaseHolds()).toBe(false)
    await questions.ask()
    clock.advance(1_499)
    expect(questions.leaseHolds()).toBe(true)
    clock.advance(1)
    expect(questions.leaseHolds()).toBe(false)
  })

  it('tells whether somebody looks at decisions, when the store says so', async () => {
    const { questions, watched } = setUp(
      () => answer(1),
      () => answer(1, { isWatched: true }),
      () => answer(1, { isWatched: false }),
    )
    for (let round = 0; round < 3; round++) await questions.ask()
    expect(watched).toEqual([true, false])
  })

  it('needs nobody who wants to know that', async () => {
    const { questions, options } = setUp(() => answer(1, { isWatched: true }))
    delete options.onWatched
    expect(await questions.ask()).toMatchObject({ record: undefined })
  })

  it('finds the record, of the generation after this answer', async () => {
    const record = createKeyRecord()
    const { questions } = setUp(
      () => answer(1),
      () => answer(2, { changed: ['wk_other'], record }),
    )
    await questions.ask()
    expect(await questions.ask('ab')).toEqual({ record, generation: 1, isUndisturbed: true })
  })

  it('counts the failures in a row, and tells each', async () => {
    const broken = new Error('broken')
    const fail = () => Promise.reject(broken)
    const { questions, told } = setUp(fail, fail, () => answer(1))
    for (let round = 0; round < 2; round++)
      await expect(questions.ask()).rejects.toMatchObject({ code: 'store_unavailable' })
    expect(questions.failures()).toBe(2)
    expect(told).toEqual(['asks', broken, 'asks', broken])
    await questions.ask()
    expect(questions.failures()).toBe(0)
  })
})

describe('an answer', () => {
  it('is asked for again when its key has changed meanwhile', async () => {
    const record = createKeyRecord()
    const { questions, changes, asked } = setUp(
      () => answer(1),
      () => {
        changes.note([record.id])
        return answer(1, { record })
      },
      () => answer(1, { record }),
    )
    await questions.ask()
    expect(await questions.ask('ab')).toEqual({ record, generation: 1, isUndisturbed: true })
    expect(asked.length).toBe(3)
  })

  it('counts when another key has changed meanwhile, and says so', async () => {
    for (const record of [createKeyRecord(), undefined]) {
      const { questions, changes, asked } = setUp(
        () => answer(1),
        () => {
          changes.note(['wk_other'])
          return answer(1, record && { record })
        },
      )
      await questions.ask()
      expect(await questions.ask('ab')).toEqual({ record, generation: 1, isUndisturbed: false })
      expect(asked.length).toBe(2)
    }
  })

  it.each([
    ['a poll', undefined, undefined],
    ['a key', 'ab', createKeyRecord()],
  ])('to %s that came too late for the lease is asked for again', async (_, keyHash, record) => {
    const { questions, asked, clock } = setUp(
      () => {
        clock.advance(2_000)
        return answer(1, record && { record })
      },
      () => answer(1, record && { record }),
    )
    await questions.ask(keyHash)
    expect(asked.length).toBe(2)
  })

  it('that no key has a digest needs no lease', async () => {
    const { questions, asked, clock } = setUp(() => {
      clock.advance(2_000)
      return answer(1)
    })
    expect(await questions.ask('ab')).toMatchObject({ record: undefined })
    expect(asked.length).toBe(1)
  })

  it('to a poll counts when a later one has told what changed', async () => {
    const { wait, open } = createGate()
    const { questions, asked } = setUp(
      () => wait().then(() => answer(1)),
      () => answer(2),
    )
    const early = questions.ask()
    await questions.ask()
    open()
    expect(await early).toMatchObject({ isUndisturbed: false })
    expect(asked.length).toBe(2)
  })

  it('to a poll is asked for again when the process has moved on an earlier one', async () => {
    const { wait, open } = createGate()
    const { questions, asked } = setUp(
      () => wait().then(() => answer(1)),
      () => wait().then(() => answer(2)),
      () => answer(2),
    )
    const both = [questions.ask(), questions.ask()]
    open()
    await Promise.all(both)
    expect(asked.length).toBe(3)
  })

  it.each([
    ['counts for a key that has not changed since', 'wk_other', 3],
    ['is asked for again for a key that has', undefined, 4],
  ])('of another moment %s', async (_, changed, questionsAsked) => {
    const record = createKeyRecord()
    const { wait, open } = createGate()
    const { questions, asked } = setUp(
      () => answer(1),
      () => wait().then(() => answer(1, { record })),
      () => answer(2, { changed: [changed ?? record.id] }),
      () => answer(2, { record }),
    )
    await questions.ask()
    const early = questions.ask('ab')
    await questions.ask()
    open()
    expect(await early).toMatchObject({ record, isUndisturbed: changed === undefined })
    expect(asked.length).toBe(questionsAsked)
  })
})

describe('an answer that is not applied', () => {
  it('does not renew the lease, although it says that no key has a digest', async () => {
    const [poll, lookUp] = [createGate(), createGate()]
    const { questions, asked, clock } = setUp(
      () => answer(1),
      () => poll.wait().then(() => answer(2)),
      () => lookUp.wait().then(() => answer(3)),
    )
    await questions.ask()
    const polled = questions.ask()
    clock.advance(1_000)
    const found = questions.ask('ab')
    poll.open()
    await polled
    lookUp.open()
    expect(await found).toMatchObject({ record: undefined, isUndisturbed: false })
    expect(asked.length).toBe(3)
    clock.advance(999)
    expect(questions.leaseHolds()).toBe(true)
    clock.advance(1)
    expect(questions.leaseHolds()).toBe(false)
  })
})

describe('a deadline', () => {
  it('ends questions whose answers are never of use', async () => {
    const { questions, asked, told, clock } = setUp(() => {
      vi.advanceTimersByTime(250)
      clock.advance(2_000)
      return answer(1)
    })
    await expect(questions.ask()).rejects.toMatchObject({ code: 'store_timeout' })
    expect(asked.length).toBe(4)
    expect(told.at(-1)).toMatchObject({ code: 'store_timeout' })
  })

  it('is what the caller says', async () => {
    const { questions } = setUp(() => new Promise(() => {}))
    await expect(questions.ask('ab', 5)).rejects.toMatchObject({ code: 'store_timeout' })
  })
})

describe('after the end', () => {
  it('nothing is asked', async () => {
    const { questions, asked, told } = setUp(() => answer(1))
    questions.close()
    await expect(questions.ask()).rejects.toMatchObject({ message: expect.stringMatching(/closed/) })
    expect(asked).toEqual([])
    expect(told).toEqual([])
  })

  it('no answer is applied, nor its failure told', async () => {
    const { wait, open } = createGate()
    const { questions, told } = setUp(() => wait().then(() => answer(1)))
    const early = questions.ask()
    questions.close()
    open()
    await expect(early).rejects.toMatchObject({ message: expect.stringMatching(/closed/) })
    expect(told).toEqual(['asks'])
    expect(questions.leaseHolds()).toBe(false)
  })
})

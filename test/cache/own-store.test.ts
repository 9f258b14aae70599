import { afterEach, describe, expect, it, vi } from 'vitest'
import { createChangeHistory } from '../../src/cache/change-history.ts'
import { createOwnStorePoller, endlessLease } from '../../src/cache/own-store.ts'
import { createKeyRecord, type PollAnswer, type PollQuestion } from '../../src/testing/index.ts'
import { settle } from './stored-records.ts'

const answer = (parts: Partial<PollAnswer> = {}): PollAnswer => ({
  position: { revision: 1, mark: 'a' },
  history: 'kept',
  changed: [],
  leaseMs: 0,
  ...parts,
})

function setUp(poll: (question: PollQuestion) => PollAnswer | Promise<PollAnswer>) {
  const changes = createChangeHistory()
  const questions: PollQuestion[] = []
  const told: unknown[] = []
  const poller = createOwnStorePoller({
    store: {
      poll(question) {
        questions.push(question)
        return poll(question)
      },
    },
    changes,
    onStoreError: (error) => told.push(error),
    onStoreAnswer: () => told.push('answered'),
    onAnswer: (given) => told.push(given),
  })
  return { changes, questions, told, poller, lookUp: () => poller.lookUp('ab', 1_000) }
}

afterEach(() => {
  vi.useRealTimers()
})

describe('a store of this process', () => {
  it('is asked once for a digest, and its answer told', async () => {
    const given = answer({ record: createKeyRecord() })
    const { lookUp, questions, told } = setUp(() => given)
    expect(await lookUp()).toEqual({ record: given.record, generation: 0, isUndisturbed: true })
    expect(questions).toEqual([{ since: null, keyHash: 'ab' }])
    expect(told).toEqual([given, 'answered'])
  })

  it('is asked again when the key changed meanwhile', async () => {
    const record = createKeyRecord()
    const { lookUp, questions, changes } = setUp(async () => {
      if (questions.length === 1) changes.note([record.id])
      return answer({ record })
    })
    expect(await lookUp()).toEqual({ record, generation: 1, isUndisturbed: true })
    expect(questions.length).toBe(2)
  })

  it('is not asked again when something else changed, which is said', async () => {
    for (const given of [answer({ record: createKeyRecord() }), answer()]) {
      const { lookUp, questions, changes } = setUp(async () => {
        changes.note(['wk_other'])
        return given
      })
      expect(await lookUp()).toEqual({ record: given.record, generation: 1, isUndisturbed: false })
      expect(questions.length).toBe(1)
    }
  })

  it('is given up when the key changes until the deadline', async () => {
    const record = createKeyRecord()
    const { poller, changes, told } = setUp(() => {
      changes.note([record.id])
      return answer({ record })
    })
    await expect(poller.lookUp('ab', 5)).rejects.toMatchObject({ code: 'store_timeout' })
    expect(told.at(-1)).toMatchObject({ code: 'store_timeout' })
  })

  it('is given up when it does not answer', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    vi.advanceTimersByTime(10_000)
    const { lookUp, told } = setUp(() => new Promise(() => {}))
    lookUp().catch(() => {})
    vi.advanceTimersByTime(999)
    await settle()
    expect(told).toEqual([])
    vi.advanceTimersByTime(1)
    await settle()
    expect(told).toMatchObject([{ code: 'store_timeout' }])
  })

  it('that throws is unavailable, which is told', async () => {
    const broken = new Error('broken')
    const { lookUp, told } = setUp(() => {
      throw broken
    })
    await expect(lookUp()).rejects.toMatchObject({ code: 'store_unavailable' })
    expect(told).toEqual([broken])
  })

  it('is known to answer at once when it does', async () => {
    let given: PollAnswer | Promise<PollAnswer> = answer()
    const { poller, lookUp } = setUp(() => given)
    expect(poller.answersAtOnce()).toBe(false)
    await lookUp()
    expect(poller.answersAtOnce()).toBe(true)
    given = Promise.resolve(answer())
    await lookUp()
    expect(poller.answersAtOnce()).toBe(false)
  })

  it('is never polled, and never fails for long', async () => {
    const { poller, questions } = setUp(() => answer())
    poller.begin()
    poller.hint()
    await Promise.all([poller.poll(), poller.renew()])
    expect(questions).toEqual([])
    expect(poller.isFailing()).toBe(false)
    expect([endlessLease.holds(0, 0), endlessLease.leaseMs(), endlessLease.ageMs()]).toEqual([
      true,
      Number.POSITIVE_INFINITY,
      0,
    ])
  })
})

import type { KeyStore } from '../../../src/index.ts'
import { createKeyRecord, type PollAnswer, type PollQuestion } from '../../../src/testing/index.ts'
import { createManualClock } from '../../../src/testing/manual-clock.ts'
import { createRecordCache } from '../../cache/record-cache.ts'
import { digestOf } from '../../cache/shared-memory.ts'
import { type History, isEnded } from '../../model/state.ts'

/** Long enough that no timer of the cache fires while a schedule runs. */
export const tickMs = 60_000

/** A question of the real cache, which a schedule lets run and answers. */
export interface Asked {
  readonly kind: 'poll' | 'look-up'
  /** What the primary held when it ran. */
  ran: History | undefined
  readonly question: PollQuestion
  resolve(answer: PollAnswer): void
}

const active = createKeyRecord()
const ended = { ...active, status: 'revoked' as const, version: 2 }
const settle = () => new Promise(setImmediate)

/** The package's own cache over a store that answers when a schedule says so. */
export function createTracedProcess(leaseTicks: number) {
  const clock = createManualClock()
  const asked: Asked[] = []
  const store = {
    scope: 'shared',
    poll: (question: PollQuestion) =>
      new Promise<PollAnswer>((resolve) => {
        asked.push({
          kind: question.keyHash === undefined ? 'poll' : 'look-up',
          ran: undefined,
          question,
          resolve,
        })
      }),
  } as unknown as KeyStore
  const cache = createRecordCache(store, clock, { leaseMs: leaseTicks * tickMs })
  return {
    clock,
    cache,
    asked,
    settle: async () => {
      for (let turn = 0; turn < 4; turn++) await settle()
    },
    find: () => cache.find(digestOf(active), () => '192.0.2.1'),
    answer(one: Asked): void {
      asked.splice(asked.indexOf(one), 1)
      one.resolve(answerOf(one.question, one.ran as History, leaseTicks * tickMs))
    },
  }
}

function answerOf({ since, keyHash }: PollQuestion, history: History, leaseMs: number): PollAnswer {
  const position = { revision: history.length, mark: history.at(-1) as string }
  const isThere = since !== null && history[since.revision - 1] === since.mark
  const later = isThere ? [...history.slice(since.revision)] : []
  return {
    position,
    history: since === null || isThere ? 'kept' : 'lost',
    changed: isThere ? later.map((mark) => (isEnded(mark) ? active.id : 'wk_other')) : 'all',
    leaseMs,
    ...(keyHash !== undefined && { record: isEnded(history) ? ended : active }),
  } as PollAnswer
}

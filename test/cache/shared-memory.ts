import { createMemoryStore, type KeyStore } from '../../src/index.ts'
import type { ExistingSecret, KeyRecord, PollAnswer, PollQuestion } from '../../src/testing/index.ts'

export interface SharedMemory {
  /** What another process changes. */
  readonly memory: KeyStore
  /** The same keys as the process under test sees them: nothing is told, everything has to be asked for. */
  readonly store: KeyStore
  /** How often the store was asked. */
  readonly asked: { polls: number; lookUps: number; pages: number; of: number }
  /** Runs after the store was read and before its answer is given: may wait, throw, or give another answer. */
  readonly before: {
    poll?: (answer: PollAnswer, question: PollQuestion) => unknown
    lookUp?: (answer: PollAnswer, question: PollQuestion) => unknown
    page?: () => unknown
  }
  leaseMs: number
}

/** @param tells whether the store tells which secrets exist */
export function shareMemory({ tells = false, leaseMs = 60_000 } = {}): SharedMemory {
  const memory = createMemoryStore()
  const { watch: _, ...rest } = memory

  async function secrets(): Promise<ExistingSecret[]> {
    const { data } = await memory.list({ limit: 1_000_000, sort: { by: 'created_at', descending: true } })
    return data.flatMap(({ id: keyId, secrets }) => secrets.map(({ keyHash }) => ({ keyId, keyHash })))
  }

  const shared: SharedMemory = {
    memory,
    asked: { polls: 0, lookUps: 0, pages: 0, of: 0 },
    before: {},
    leaseMs,
    store: {
      ...rest,
      scope: 'shared',
      async poll(question) {
        const isLookUp = question.keyHash !== undefined
        if (isLookUp) shared.asked.lookUps++
        else shared.asked.polls++
        const answer = { ...(await memory.poll(question)), leaseMs: shared.leaseMs }
        const replaced = await (isLookUp ? shared.before.lookUp : shared.before.poll)?.(answer, question)
        return (replaced as PollAnswer | undefined) ?? answer
      },
      ...(tells && {
        existing: {
          async page(after, limit) {
            shared.asked.pages++
            await shared.before.page?.()
            return (await secrets())
              .filter(({ keyHash }) => after === null || keyHash > after)
              .sort((a, b) => (a.keyHash < b.keyHash ? -1 : 1))
              .slice(0, limit)
          },
          async of(keyIds) {
            shared.asked.of++
            return (await secrets()).filter(({ keyId }) => keyIds.includes(keyId))
          },
        },
      }),
    },
  }
  return shared
}

/** A wait that lasts until somebody opens it. */
export function createGate(): { wait: () => Promise<void>; open: () => void } {
  let open = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { wait: () => opened, open }
}

export function digestOf(record: KeyRecord): string {
  return Buffer.from(record.secrets[0]?.keyHash as string, 'hex').toString('latin1')
}

import {
  createMemoryStore,
  createWriteKeys,
  type KeyStore,
  type Verdict,
  type WriteKeyEvent,
  type WriteKeys,
  type WriteKeysOptions,
} from '../../src/index.ts'
import { basic } from '../../src/testing/adapter/golden/golden-request.ts'
import { createManualClock } from '../contract/limiter-contract.ts'

/** A store whose reads are counted, and can be held up or made to fail. */
function createWatchedStore(scope: KeyStore['scope']) {
  const inner = createMemoryStore()
  const watched = {
    reads: 0,
    polls: 0,
    mostAtOnce: 0,
    /** Awaited after the store was read, before its answer is given. */
    hold: async () => {},
    failReads: false,
    failPolls: false,
  }
  let atOnce = 0
  const { watch, ...rest } = inner
  const store: KeyStore = {
    ...rest,
    scope,
    ...(scope === 'process' && watch !== undefined && { watch }),
    async poll(question) {
      if (question.keyHash === undefined) {
        watched.polls++
        if (watched.failPolls) throw new Error('the store is away')
        return await inner.poll(question)
      }
      watched.reads++
      atOnce++
      watched.mostAtOnce = Math.max(watched.mostAtOnce, atOnce)
      try {
        if (watched.failReads) throw new Error('the store is away')
        const answer = await inner.poll(question)
        await watched.hold()
        return answer
      } finally {
        atOnce--
      }
    },
  }
  return { store, inner, watched }
}

export const request = (secret: string, ip = '198.51.100.1') => ({
  method: 'GET',
  path: '/v1/track',
  headers: { authorization: basic(secret) },
  ip,
})

const outcome = (verdict: Verdict) => (verdict.ok ? 'accepted' : verdict.reason)

export async function ask(keys: WriteKeys, secret: string, ip?: string): Promise<string> {
  return outcome(await keys.verify(request(secret, ip)))
}

export function setUp(scope: KeyStore['scope'], options: WriteKeysOptions = {}) {
  const clock = createManualClock()
  const events: WriteKeyEvent[] = []
  const { store, inner, watched } = createWatchedStore(scope)
  const keys = createWriteKeys({ store, clock, onEvent: (event) => events.push(event), ...options })
  /** Another process on the same store, which has no limit on how soon it knows. */
  const elsewhere = createWriteKeys({ store: inner, clock })
  const create = async () => await elsewhere.create({ name: 'Web App', sourceType: 'web' })
  const kinds = () =>
    events.map(({ type }) => type).filter((type) => type !== 'accepted' && type !== 'refused')
  return { clock, keys, elsewhere, watched, create, kinds }
}

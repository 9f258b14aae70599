import { createClient } from 'redis'
import { createWriteKeys } from '../../../src/index.ts'
import { createRedisHints } from '../../../src/redis/index.ts'
import { createSqlStore } from '../../../src/stores/sql/index.ts'
import { answerMessages, readOptions, sharedNow } from './messages.ts'

/** A process that changes keys, or verifies them over and over until they are refused, with hints over Redis. */
export interface HintedOptions {
  url: string
  redisUrl: string
  /** Where hints are heard. */
  subscriberUrl: string
  leaseMs: number
}

export interface CreatedKey {
  id: string
  secret: string
}

const { url, redisUrl, subscriberUrl, leaseMs } = readOptions<HintedOptions>()
const client = await open(redisUrl)
const subscriber = await open(subscriberUrl)
const keys = createWriteKeys({
  store: createSqlStore({ url, notifications: false }),
  hints: createRedisHints({ client, subscriber }),
  cache: { leaseMs },
})
/** Secrets that are still accepted, by id, in the order in which they will be revoked. */
const watched = new Map<string, string>()
const refusedAt: Record<string, number> = {}
let rounds = 0

async function open(at: string) {
  const opened = createClient({ url: at, socket: { reconnectStrategy: 100 } })
  opened.on('error', () => {})
  await opened.connect()
  return opened
}

async function verify(id: string, secret: string): Promise<void> {
  const verdict = await keys.verify({
    method: 'GET',
    path: '/v1/track',
    headers: { authorization: `Basic ${btoa(`${secret}:`)}` },
  })
  // On a machine with much else to do the database is late now and then: that is no refusal of the key.
  if (verdict.ok || verdict.reply.status === 503) return
  refusedAt[id] = sharedNow()
  watched.delete(id)
}

async function run(): Promise<never> {
  for (;;) {
    // The next ones to be revoked: all of them at once would keep the machine busy by themselves.
    const next = [...watched].slice(0, 10)
    await Promise.all(next.map(([id, secret]) => verify(id, secret)))
    rounds++
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

/** Until the database answers. */
async function insist<T>(call: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call()
    } catch (error) {
      if (attempt === 20) throw error
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
  }
}

answerMessages({
  async create({ count }: { count: number }): Promise<CreatedKey[]> {
    return Promise.all(
      Array.from({ length: count }, async () => {
        const { writeKey, key } = await insist(() => keys.create({ name: 'key', sourceType: 'server' }))
        return { id: writeKey.id, secret: key }
      }),
    )
  },
  /** Answers with the time of the call, not of its return: that is a lease later. */
  revoke({ id }: { id: string }): number {
    const calledAt = sharedNow()
    void insist(() => keys.revoke(id))
    return calledAt
  },
  /** Answers when the first have been accepted. */
  async watch({ created }: { created: readonly CreatedKey[] }) {
    for (const { id, secret } of created) watched.set(id, secret)
    const enough = rounds + 3
    while (rounds < enough) await new Promise((resolve) => setTimeout(resolve, 5))
    return watched.size
  },
  refusals: () => refusedAt,
})
run()

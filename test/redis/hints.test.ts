import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { Redis as Redis5 } from 'ioredis5'
import { Redis as Valkey } from 'iovalkey'
import { createClient } from 'redis'
import { createClient as createClient5 } from 'redis5'
import { afterEach, beforeEach, expect, it } from 'vitest'
import {
  type ChangeHints,
  createMemoryStore,
  createWriteKeys,
  type KeyStore,
  type WriteKeys,
} from '../../src/index.ts'
import { createRedisHints, type RedisClient } from '../../src/redis/index.ts'
import { ConfigError } from '../../src/runtime/config-error.ts'
import type { Awaitable, CommittedChange } from '../../src/testing/index.ts'
import { describeWithService } from '../services.ts'
import { documentedAcl } from './documented-acl.ts'
import { createOwnRedis } from './own-redis.ts'

/** One store that several processes share, as far as each can tell; counts how often it is asked for changes. */
function createSharedStore() {
  const memory = createMemoryStore()
  const asked = { changes: 0 }
  // Processes trust for a long lease; changes return sooner than they may, as no test goes by that.
  const soon = async (change: Awaitable<CommittedChange | undefined>) => {
    const committed = await change
    return committed && { ...committed, leaseMs: 50 }
  }
  const store: KeyStore = {
    ...memory,
    scope: 'shared',
    async poll(question) {
      if (question.keyHash === undefined) asked.changes++
      return { ...(await memory.poll(question)), leaseMs: 30_000 }
    },
    insert: (record, audit) => soon(memory.insert(record, audit)),
    replace: (record, audit) => soon(memory.replace(record, audit)),
    close() {},
  }
  delete (store as { watch?: unknown }).watch
  return { store, asked }
}

const requestWith = (key: string) => ({
  method: 'POST',
  path: '/v1/track',
  headers: { authorization: `Basic ${Buffer.from(`${key}:`).toString('base64')}` },
  body: { type: 'track', event: 'Seen' },
})

/** Far below the lease, also on a busy machine; `npm run test:long -- redis-hints` measures milliseconds. */
const soonMs = 500

interface OpenClient {
  client: RedisClient
  end(): unknown
}

const clients: Record<string, (url: string) => Promise<OpenClient>> = {
  'node-redis 6': async (url) => {
    const client = createClient({ url, socket: { reconnectStrategy: 50 } })
    client.on('error', () => {})
    await client.connect()
    return { client, end: () => client.destroy() }
  },
  'node-redis 5': async (url) => {
    const client = createClient5({ url, socket: { reconnectStrategy: 50 } })
    client.on('error', () => {})
    await client.connect()
    return { client, end: () => client.destroy() }
  },
  'ioredis 6': async (url) => openIoredis(new Redis(url, { retryStrategy: () => 50 })),
  'ioredis 5': async (url) => openIoredis(new Redis5(url, { retryStrategy: () => 50 })),
  iovalkey: async (url) => openIoredis(new Valkey(url, { retryStrategy: () => 50 })),
}

async function openIoredis(client: Redis | Redis5 | Valkey): Promise<OpenClient> {
  client.on('error', () => {})
  await client.ping()
  return { client, end: () => client.disconnect() }
}

describeWithService('redis', 'Redis hints', (url) => {
  let ends: (() => unknown)[] = []
  let channel: string
  beforeEach(() => {
    channel = `test:${randomUUID()}`
  })
  afterEach(async () => {
    for (const end of ends.reverse()) await end()
    ends = []
  })

  async function open(kind = 'node-redis 6', at = url): Promise<RedisClient> {
    const { client, end } = await (clients[kind] as (typeof clients)[string])(at)
    ends.push(end)
    return client
  }

  function writeKeysOn(store: KeyStore, hints: ChangeHints, leaseMs = 30_000): WriteKeys {
    const keys = createWriteKeys({ store, hints, cache: { leaseMs } })
    ends.push(() => keys.close())
    return keys
  }

  async function waitUntil(condition: () => unknown): Promise<number> {
    const startedAt = performance.now()
    while (!(await condition()) && performance.now() - startedAt < 5_000) {
      await new Promise((resolve) => setImmediate(resolve))
    }
    return performance.now() - startedAt
  }

  for (const kind of Object.keys(clients)) {
    it(`make a revocation count elsewhere within milliseconds of a 30 s lease (${kind})`, async () => {
      const { store } = createSharedStore()
      const here = writeKeysOn(store, createRedisHints({ client: await open(kind), channel }))
      const there = writeKeysOn(store, createRedisHints({ client: await open(kind), channel }))
      const times: number[] = []
      for (let i = 0; i < 9; i++) {
        const { writeKey, key } = await here.create({ name: `Key ${i}`, sourceType: 'web' })
        await waitUntil(async () => (await there.verify(requestWith(key))).ok)
        expect(await there.verify(requestWith(key))).toMatchObject({ ok: true })
        const revoked = here.revoke(writeKey.id)
        times.push(await waitUntil(async () => !(await there.verify(requestWith(key))).ok))
        await revoked
      }
      expect(times.sort((a, b) => a - b)[4]).toBeLessThan(soonMs)
    })
  }

  it('work with a subscriber of the application, and leave it and the client open', async () => {
    const [client, subscriber] = [await open(), (await open()) as ReturnType<typeof createClient>]
    const hints = createRedisHints({ client, subscriber, channel })
    const told: unknown[] = []
    hints.subscribe((ids) => told.push(ids))
    await waitUntil(() => told.length > 0)
    const other = createRedisHints({ client: await open(), channel })
    await other.publish(['wk_a', 'wk_b'])
    await waitUntil(() => told.length > 1)
    expect(told).toEqual([undefined, ['wk_a', 'wk_b']])
    await hints.close()
    expect(subscriber.isReady).toBe(true)
    expect(await (client as ReturnType<typeof createClient>).publish(channel, 'x')).toBe(0)
    await other.close()
  })

  it('catch up after a reconnect, and hear what is said from then on', async () => {
    const redis = await createOwnRedis()
    await redis.start()
    ends.push(() => redis.kill())
    for (const kind of ['node-redis 6', 'ioredis 6']) {
      const here = createRedisHints({ client: await open(kind, redis.url), channel })
      const there = createRedisHints({ client: await open(kind, redis.url), channel })
      ends.push(
        () => here.close(),
        () => there.close(),
      )
      const told: unknown[] = []
      const changes: string[] = []
      there.subscribe(
        (ids) => told.push(ids),
        () => changes.push('lost'),
        () => changes.push('restored'),
      )
      await waitUntil(() => told.length > 0)
      told.length = 0
      await redis.kill()
      expect(await waitFor(() => here.publish(['wk_lost']))).toBe('rejected')
      await sleep(300)
      expect(changes).toEqual(['lost'])
      await redis.start()
      await waitUntil(() => told.includes(undefined))
      expect(changes).toEqual(['lost', 'restored'])
      expect(told).toContain(undefined)
      told.length = 0
      // The lost one may still arrive: a client that gave it up has perhaps sent it since.
      const heard = () => told.some((ids) => Array.isArray(ids) && ids[0] === 'wk_a')
      await waitUntil(async () => {
        await waitFor(() => here.publish(['wk_a']))
        await sleep(20)
        return heard()
      })
      expect(heard()).toBe(true)
    }
  })

  it('tell once of a subscription that is lost, silent or not allowed, and when it is back', async () => {
    const redis = await createOwnRedis()
    await redis.start()
    ends.push(() => redis.kill())
    const admin = (await open('node-redis 6', redis.url)) as ReturnType<typeof createClient>
    const refused = `The Redis user may not use the channel "${channel}". Allow it by ACL SETUSER <user> &${channel}`
    const silent = 'The connection on which Redis hints are heard is lost, or does not answer.'

    async function subscribe(kind: string, user: string) {
      const setUser = (...rules: string[]) =>
        admin.sendCommand(['ACL', 'SETUSER', user, 'reset', 'on', '>secret', ...documentedAcl(), ...rules])
      await setUser('resetchannels', '&other')
      const told: string[] = []
      const userUrl = redis.url.replace('//', `//${user}:secret@`)
      const hints = createRedisHints({ client: await open(kind, userUrl), channel })
      hints.subscribe(
        () => {},
        (error) => told.push((error as Error).message),
        () => told.push('restored'),
      )
      const toldSo = (...expected: string[]) =>
        waitUntil(() => told.length >= expected.length).then(() => expect(told).toEqual(expected))
      await toldSo(refused)
      await expect(hints.publish(['wk_a'])).rejects.toThrow(refused)
      await setUser('-publish', `&${channel}`)
      await toldSo(refused, 'restored')
      await expect(hints.publish(['wk_a'])).rejects.toThrow('may not run PUBLISH.')
      await setUser(`&${channel}`)
      await hints.publish(['wk_a'])
      return { hints, told, toldSo }
    }

    const subscribed = [await subscribe('node-redis 6', 'app'), await subscribe('ioredis 6', 'other')]
    redis.freeze()
    await sleep(6_500)
    for (const { told } of subscribed) expect(told.slice(2)).toEqual([silent])
    redis.thaw()
    for (const { hints, toldSo } of subscribed) {
      await toldSo(refused, 'restored', silent, 'restored')
      await hints.close()
    }
  }, 60_000)

  it('turn a flood of junk and forged messages into a few questions to the store', async () => {
    const { store, asked } = createSharedStore()
    const keys = writeKeysOn(store, createRedisHints({ client: await open(), channel }))
    const { key } = await keys.create({ name: 'Web App', sourceType: 'web' })
    expect(await keys.verify(requestWith(key))).toMatchObject({ ok: true })
    await sleep(100)
    const before = asked.changes
    const attacker = (await open()) as ReturnType<typeof createClient>
    const junk = [
      '',
      'x',
      '{"activate":"wk_a"}',
      `a ${'wk_'.repeat(50_000)}`,
      'a wk_1 wk_2',
      '\0\n',
      'me wk_é',
    ]
    const startedAt = performance.now()
    for (let round = 0; round < 40; round++) {
      await Promise.all(
        Array.from({ length: 50 }, (_, i) => attacker.publish(channel, junk[i % 7] as string)),
      )
      expect(await keys.verify(requestWith(key))).toMatchObject({ ok: true })
    }
    await sleep(60)
    const seconds = (performance.now() - startedAt) / 1000
    expect(asked.changes - before).toBeGreaterThan(0)
    expect(asked.changes - before).toBeLessThanOrEqual(22 + 20 * seconds)
  })

  it('report a message that cannot be sent, without holding up the change', async () => {
    const client = createClient({ url })
    const errors: string[] = []
    const keys = createWriteKeys({
      hints: createRedisHints({ client, channel }),
      onEvent: (event) => {
        if (event.type === 'hints_error') errors.push(event.error.message)
      },
    })
    await keys.create({ name: 'Web App', sourceType: 'web' })
    await sleep(1)
    expect(errors).toEqual(['The Redis client for hints is not connected.'])
    await keys.close()
  })

  it('refuse options that cannot work', () => {
    const client = { sendCommand: () => {} }
    expect(() => createRedisHints({ client })).toThrow(ConfigError)
    expect(() => createRedisHints({ client, subscriber: {} as never })).toThrow(ConfigError)
    expect(() => createRedisHints({ client: {} as never })).toThrow(ConfigError)
    expect(() => createRedisHints({ client, channel: 'a b' })).toThrow(ConfigError)
    expect(() => createRedisHints({ client, chanel: 'x' } as never)).toThrow(/chanel/)
  })
})

async function waitFor(run: () => unknown): Promise<'resolved' | 'rejected'> {
  try {
    await run()
    return 'resolved'
  } catch {
    return 'rejected'
  }
}

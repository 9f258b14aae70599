import { describe, expect, it } from 'vitest'
import {
  createMemoryLimiter,
  createMemoryStore,
  createWriteKeys,
  type IngestRequest,
  type RateLimiter,
  type UpdateKeyInput,
  type WriteKeysOptions,
} from '../../src/index.ts'
import { basic } from '../../src/testing/adapter/golden/golden-request.ts'
import { createGate, shareMemory } from '../cache/shared-memory.ts'
import { createManualClock } from '../contract/limiter-contract.ts'

const server = { name: 'Server', sourceType: 'server' as const }
const event = { type: 'track', event: 'Signed Up' }

/** A memory limiter that notes what it charges and gives back, and answers when it is told to. */
function createWatchedLimiter() {
  const memory = createMemoryLimiter()
  const charged: number[] = []
  const limiter: RateLimiter & { wait: () => Promise<void> } = {
    wait: async () => {},
    async consume(keyId, cost, rate) {
      const result = await memory.consume(keyId, cost, rate)
      if (result.allowed) charged.push(cost)
      await limiter.wait()
      return result
    },
    refund(_, cost) {
      charged.push(-cost)
    },
    close: () => memory.close(),
  }
  return { limiter, charged, balance: () => charged.reduce((sum, cost) => sum + cost, 0) }
}

/** A request under way, with half of its body sent. */
async function setUp(options: WriteKeysOptions = {}, changes: UpdateKeyInput = {}) {
  const clock = createManualClock()
  const { limiter, charged, balance } = createWatchedLimiter()
  const keys = createWriteKeys({ store: createMemoryStore(), clock, limiter, ...options })
  const { key, writeKey } = await keys.create({ ...server, rateLimitEps: 100, ...changes })
  const body = createGate()
  let isReading = () => {}
  const reading = new Promise<void>((resolve) => {
    isReading = resolve
  })
  const request: IngestRequest = {
    method: 'POST',
    path: '/v1/track',
    headers: { authorization: basic(key) },
    ip: '192.0.2.7',
    async body() {
      isReading()
      await body.wait()
      return Buffer.from(JSON.stringify(event))
    },
  }
  const send = async (change: Partial<IngestRequest> = {}) => {
    const verdict = await keys.verify({ ...request, ...change })
    return verdict.ok ? 'accepted' : `${verdict.reply.status} ${verdict.reason}`
  }
  return { keys, key, id: writeKey.id, clock, limiter, charged, balance, send, reading, body }
}

describe('a key that changes while the body arrives', () => {
  it.each([
    ['revoked', '401 revoked_key', ({ keys, id }) => keys.revoke(id)],
    ['removed', '401 unknown_key', ({ keys, id }) => keys.remove(id)],
    ['rotated without grace', '401 unknown_key', ({ keys, id }) => keys.rotate(id, { gracePeriodHours: 0 })],
    [
      'bound to an address',
      '403 ip_not_allowed',
      ({ keys, id }) => keys.update(id, { allowedIps: ['10.0.0.1'] }),
    ],
    [
      'bound to other types',
      '403 event_type_not_allowed',
      ({ keys, id }) => keys.update(id, { allowedEventTypes: ['page'] }),
    ],
    [
      'bound to other names',
      '403 event_name_not_allowed',
      ({ keys, id }) => keys.update(id, { deniedEventNames: ['Signed *'] }),
    ],
    ['renamed', 'accepted', ({ keys, id }) => keys.update(id, { name: 'Other' })],
    ['rotated with grace', 'accepted', ({ keys, id }) => keys.rotate(id)],
  ] as [string, string, (at: Awaited<ReturnType<typeof setUp>>) => Promise<unknown>][])(
    'is judged as it is when the body is there: %s',
    async (_, outcome, change) => {
      const at = await setUp()
      const sent = at.send()
      await at.reading
      await change(at)
      at.body.open()
      expect(await sent).toBe(outcome)
      expect(at.balance()).toBe(outcome === 'accepted' ? 1 : 0)
      await at.keys.close()
    },
  )

  it.each([
    ['its own expiry', async ({ clock }) => clock.advance(3_600_000), { expiresAt: true }],
    ['its grace', async ({ clock }) => clock.advance(1_800_000), { grace: true }],
  ] as [
    string,
    (at: Awaited<ReturnType<typeof setUp>>) => Promise<void>,
    { expiresAt?: true; grace?: true },
  ][])('is refused when %s has come meanwhile', async (_, pass, { expiresAt, grace }) => {
    const at = await setUp()
    if (expiresAt) await at.keys.update(at.id, { expiresAt: new Date(at.clock.now() + 3_600_000) })
    if (grace) await at.keys.rotate(at.id, { gracePeriodHours: 0.5 })
    const sent = at.send()
    await at.reading
    await pass(at)
    at.body.open()
    expect(await sent).toBe('401 expired_key')
    expect(at.balance()).toBe(0)
    await at.keys.close()
  })

  it('leaves requests of other keys alone', async () => {
    const at = await setUp()
    const other = await at.keys.create(server)
    const sent = at.send()
    await at.reading
    await at.keys.revoke(other.writeKey.id)
    at.body.open()
    expect(await sent).toBe('accepted')
    expect(at.charged).toEqual([1])
    await at.keys.close()
  })

  it('is found though thousands of other keys have changed since, and though it is cached no more', async () => {
    const at = await setUp({ cache: { maxKeys: 1 } })
    const sent = at.send()
    await at.reading
    for (let count = 0; count < 1_100; count++) await at.keys.create(server)
    const { key } = await at.keys.create(server)
    expect(await at.send({ method: 'GET', body: undefined, headers: { authorization: basic(key) } })).toBe(
      'accepted',
    )
    at.body.open()
    expect(await sent).toBe('accepted')
    await at.keys.close()
  })
})

describe('a key that changes while the limiter answers', () => {
  /** A request that has been charged, and waits for the limiter's answer. */
  async function holdCharge() {
    const at = await setUp()
    at.body.open()
    const limiter = createGate()
    at.limiter.wait = limiter.wait
    const sent = at.send()
    while (at.charged.length === 0) await new Promise(setImmediate)
    return { at, limiter, sent }
  }

  it('is refused, and its charge is given back', async () => {
    const { at, limiter, sent } = await holdCharge()
    await at.keys.revoke(at.id)
    limiter.open()
    expect(await sent).toBe('401 revoked_key')
    expect(at.charged).toEqual([1, -1])
    await at.keys.close()
  })

  it('is charged once when it is accepted after all', async () => {
    const { at, limiter, sent } = await holdCharge()
    await at.keys.update(at.id, { name: 'Renamed', rateLimitEps: 5 })
    limiter.open()
    expect(await sent).toBe('accepted')
    expect(at.charged).toEqual([1])
    await at.keys.close()
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('broken')
      },
    ],
    ['rejects', () => Promise.reject(new Error('broken'))],
  ])('is refused all the same when giving back %s', async (_, refund) => {
    const at = await setUp()
    at.body.open()
    const limiter = createGate()
    Object.assign(at.limiter, { wait: limiter.wait, refund })
    const sent = at.send()
    while (at.charged.length === 0) await new Promise(setImmediate)
    await at.keys.revoke(at.id)
    limiter.open()
    expect(await sent).toBe('401 revoked_key')
    await at.keys.close()
  })
})

describe('a request that outlasts the lease of a shared store', () => {
  it('is judged by what the store says then', async () => {
    const { store, memory } = shareMemory({ leaseMs: 2_000 })
    const elsewhere = createWriteKeys({ store: memory })
    const at = await setUp({ store })
    const sent = at.send()
    await at.reading
    await elsewhere.revoke(at.id)
    at.clock.advance(2_100)
    at.body.open()
    expect(await sent).toBe('401 revoked_key')
    await at.keys.close()
  })

  it('is accepted when the key is still good', async () => {
    const { store, asked } = shareMemory({ leaseMs: 2_000 })
    const at = await setUp({ store })
    const sent = at.send()
    await at.reading
    at.clock.advance(600_000)
    const before = asked.polls
    at.body.open()
    expect(await sent).toBe('accepted')
    expect(asked.polls).toBeGreaterThan(before)
    expect(at.charged).toEqual([1])
    await at.keys.close()
  })

  it('is 503 when the store cannot be asked, and the charge is given back', async () => {
    const { store, before } = shareMemory({ leaseMs: 2_000 })
    const at = await setUp({ store })
    at.body.open()
    const limiter = createGate()
    at.limiter.wait = limiter.wait
    const sent = at.send()
    while (at.charged.length === 0) await new Promise(setImmediate)
    before.poll = () => {
      throw new Error('the store is away')
    }
    at.clock.advance(2_100)
    limiter.open()
    expect(await sent).toBe('503 store_unavailable')
    expect(at.balance()).toBe(0)
    await at.keys.close()
  })

  it('is accepted for as long as staleOnOutageMs bridges an outage', async () => {
    const { store, before } = shareMemory({ leaseMs: 2_000 })
    const at = await setUp({ store, cache: { staleOnOutageMs: 30_000 } })
    const sent = at.send()
    await at.reading
    before.poll = () => {
      throw new Error('the store is away')
    }
    at.clock.advance(20_000)
    at.body.open()
    expect(await sent).toBe('accepted')
    await at.keys.close()
  })
})

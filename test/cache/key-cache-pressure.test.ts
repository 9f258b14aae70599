import { describe, expect, it } from 'vitest'
import {
  createMemoryStore,
  createWriteKeys,
  type KeyStore,
  type Verdict,
  type WriteKeyEvent,
  type WriteKeys,
  type WriteKeysOptions,
} from '../../src/index.ts'
import { generateSecret } from '../../src/keys/secret.ts'
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

const request = (secret: string, ip = '198.51.100.1') => ({
  method: 'GET',
  path: '/v1/track',
  headers: { authorization: basic(secret) },
  ip,
})
const outcome = (verdict: Verdict) => (verdict.ok ? 'accepted' : verdict.reason)

async function ask(keys: WriteKeys, secret: string, ip?: string): Promise<string> {
  return outcome(await keys.verify(request(secret, ip)))
}

function setUp(scope: KeyStore['scope'], options: WriteKeysOptions = {}) {
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

describe('a lookup', () => {
  it('is one read for 10 000 cold requests at once', async () => {
    const { keys, watched, create } = setUp('process')
    const { key } = await create()
    const verdicts = await Promise.all(Array.from({ length: 10_000 }, () => ask(keys, key)))
    expect(new Set(verdicts)).toEqual(new Set(['accepted']))
    expect(watched.reads).toBe(1)
    await ask(keys, key)
    expect(watched.reads).toBe(1)
    await keys.close()
  })

  it('passes for hundreds of cold keys at once from one address, a few reads at a time', async () => {
    const { keys, watched, create } = setUp('process')
    const created = await Promise.all(Array.from({ length: 200 }, create))
    watched.hold = () => new Promise((resolve) => setTimeout(resolve, 2))
    const verdicts = await Promise.all(created.map(({ key }) => ask(keys, key)))
    expect(new Set(verdicts)).toEqual(new Set(['accepted']))
    expect(watched.mostAtOnce).toBeLessThanOrEqual(32)
    await keys.close()
  })

  it('that fails is 503 for all who waited, and is tried again', async () => {
    const { keys, watched, create, kinds } = setUp('process')
    const { key } = await create()
    watched.failReads = true
    const verdicts = await Promise.all(Array.from({ length: 50 }, () => ask(keys, key)))
    expect(new Set(verdicts)).toEqual(new Set(['store_unavailable']))
    expect(watched.reads).toBe(1)
    expect(kinds()).toEqual(['store_error'])
    watched.failReads = false
    expect(await ask(keys, key)).toBe('accepted')
    await keys.close()
  })

  it('that never ends is 503 after a second, and is tried again', async () => {
    const { keys, watched, create } = setUp('process')
    const { key } = await create()
    watched.hold = () => new Promise(() => {})
    const startedAt = performance.now()
    expect(await Promise.all([ask(keys, key), ask(keys, key)])).toEqual([
      'store_unavailable',
      'store_unavailable',
    ])
    expect(performance.now() - startedAt).toBeLessThan(3_000)
    watched.hold = async () => {}
    expect(await ask(keys, key)).toBe('accepted')
    await keys.close()
  })

  it('that overlaps a revocation is not kept', async () => {
    const { keys, elsewhere, watched, create } = setUp('process')
    const { key, writeKey } = await create()
    let release = () => {}
    watched.hold = () =>
      new Promise((resolve) => {
        release = resolve
      })
    const racing = ask(keys, key)
    while (watched.reads === 0) await new Promise((resolve) => setImmediate(resolve))
    await elsewhere.revoke(writeKey.id)
    watched.hold = async () => {}
    // Its verification started before the revocation returned, so either answer is right.
    release()
    await racing
    expect(await ask(keys, key)).toBe('revoked_key')
    await keys.close()
  })

  it('finds a key that is made after it was asked for in vain', async () => {
    const { keys, create, watched } = setUp('process')
    const { key } = await create()
    const unknown = generateSecret('sk_live_')
    expect(await ask(keys, unknown)).toBe('unknown_key')
    expect(await ask(keys, unknown)).toBe('unknown_key')
    expect(watched.reads).toBe(1)
    await create()
    expect(await ask(keys, unknown)).toBe('unknown_key')
    expect(watched.reads).toBe(2)
    expect(await ask(keys, key)).toBe('accepted')
    await keys.close()
  })

  it('keeps as many keys as it may, and reads the others again', async () => {
    const { keys, watched, create } = setUp('process', { cache: { maxKeys: 3 } })
    const created = await Promise.all(Array.from({ length: 9 }, create))
    for (let round = 0; round < 3; round++) {
      for (const { key } of created) expect(await ask(keys, key)).toBe('accepted')
    }
    expect(watched.reads).toBe(27)
    await keys.close()
  })

  it('hands out what a handler cannot change', async () => {
    const { keys } = setUp('process')
    const input = { name: 'Web App', sourceType: 'web' as const, metadata: { team: { name: 'growth' } } }
    const { key } = await keys.create(input)
    const verdict = await keys.verify(request(key))
    if (!verdict.ok) throw new Error(verdict.reason)
    expect(Object.isFrozen(verdict.writeKey)).toBe(true)
    const metadata = verdict.writeKey.metadata as typeof input.metadata
    expect(() => Object.assign(metadata.team, { name: 'x' })).toThrow(TypeError)
    const again = await keys.verify(request(key))
    expect(again).toMatchObject({ ok: true, writeKey: { metadata: { team: { name: 'growth' } } } })
    await keys.close()
  })
})

describe('a flood of wrong keys', () => {
  it('that are malformed reaches no store', async () => {
    const { keys, watched } = setUp('process')
    for (let count = 0; count < 1_000; count++) {
      expect(await ask(keys, `${generateSecret('sk_live_').slice(0, -1)}!`)).toBe('malformed_key')
    }
    expect(watched.reads).toBe(0)
    await keys.close()
  })

  it('from one address costs its budget of reads, and then five a second', async () => {
    const { keys, clock, watched } = setUp('process')
    const flood = async (count: number) => {
      for (let sent = 0; sent < count; sent++) await ask(keys, generateSecret('sk_live_'))
    }
    await flood(500)
    expect(watched.reads).toBe(20)
    expect(await ask(keys, generateSecret('sk_live_'))).toBe('too_many_failures')
    clock.advance(1_000)
    await flood(500)
    expect(watched.reads).toBe(25)
    await keys.close()
  })

  it('does not stop keys that are cached, nor other addresses', async () => {
    const { keys, create } = setUp('process')
    const [cached, cold] = [await create(), await create()]
    expect(await ask(keys, cached.key)).toBe('accepted')
    for (let sent = 0; sent < 50; sent++) await ask(keys, generateSecret('sk_live_'))
    expect(await ask(keys, cached.key)).toBe('accepted')
    expect(await ask(keys, cold.key)).toBe('too_many_failures')
    expect(await ask(keys, cold.key, '198.51.100.2')).toBe('accepted')
    expect(await ask(keys, cold.key)).toBe('accepted')
    await keys.close()
  })

  it('from one IPv6 network counts as from one address', async () => {
    const { keys, watched } = setUp('process')
    for (let host = 1; host <= 200; host++) {
      await ask(keys, generateSecret('sk_live_'), `2001:db8:1:2::${host.toString(16)}`)
    }
    expect(watched.reads).toBe(20)
    expect(await ask(keys, generateSecret('sk_live_'), '2001:db8:1:3::1')).toBe('unknown_key')
    await keys.close()
  })

  it('from everywhere costs the budget of all, and answers 503, as any of them may be innocent', async () => {
    const { keys, watched } = setUp('process')
    const outcomes: string[] = []
    for (let host = 0; host < 250; host++) {
      outcomes.push(await ask(keys, generateSecret('sk_live_'), `203.0.${host}.1`))
    }
    expect(watched.reads).toBe(100)
    expect(outcomes.slice(0, 100)).toEqual(Array.from({ length: 100 }, () => 'unknown_key'))
    expect(new Set(outcomes.slice(100))).toEqual(new Set(['store_unavailable']))
    await keys.close()
  })

  it('all at once costs no more than the lookups that run at once on top', async () => {
    const { keys, watched, clock } = setUp('process')
    watched.hold = () => new Promise((resolve) => setTimeout(resolve, 1))
    await Promise.all(Array.from({ length: 2_000 }, () => ask(keys, generateSecret('sk_live_'))))
    expect(watched.reads).toBeLessThanOrEqual(20 + 32)
    const before = watched.reads
    clock.advance(1_000)
    await Promise.all(Array.from({ length: 2_000 }, () => ask(keys, generateSecret('sk_live_'))))
    // What was too much is paid back first.
    expect(watched.reads - before).toBeLessThanOrEqual(5 + 32)
    await keys.close()
  })

  it('does not push cached keys out', async () => {
    const { keys, watched, create } = setUp('process', { cache: { maxKeys: 50 } })
    const created = await Promise.all(Array.from({ length: 50 }, create))
    for (const { key } of created) await ask(keys, key)
    for (let count = 0; count < 5_000; count++)
      await ask(keys, generateSecret('sk_live_'), `203.0.${count % 250}.1`)
    const before = watched.reads
    for (const { key } of created) expect(await ask(keys, key)).toBe('accepted')
    expect(watched.reads).toBe(before)
    await keys.close()
  })
})

describe('a shared store', () => {
  it('is trusted for a lease, then asked what changed', async () => {
    const { keys, elsewhere, clock, watched, create } = setUp('shared')
    const { key, writeKey } = await create()
    expect(await ask(keys, key)).toBe('accepted')
    await elsewhere.revoke(writeKey.id)
    clock.advance(1_999)
    expect(await ask(keys, key)).toBe('accepted')
    expect(watched.reads).toBe(1)
    clock.advance(1)
    expect(await ask(keys, key)).toBe('revoked_key')
    await keys.close()
  })

  it.each([
    [
      'the monotonic clock has stood still and the wall clock gone on',
      (clock: ReturnType<typeof createManualClock>) => clock.advanceWallClock(3_600_000),
    ],
    [
      'the wall clock was set back and the monotonic clock gone on',
      (clock: ReturnType<typeof createManualClock>) => {
        clock.advanceWallClock(-3_600_000)
        clock.advance(2_000)
      },
    ],
  ])('is asked again when %s', async (_, pass) => {
    const { keys, elsewhere, clock, create } = setUp('shared')
    const { key, writeKey } = await create()
    expect(await ask(keys, key)).toBe('accepted')
    await elsewhere.revoke(writeKey.id)
    pass(clock)
    expect(await ask(keys, key)).toBe('revoked_key')
    await keys.close()
  })

  it('that is away is 503 once the lease has ended, for known and unknown keys alike', async () => {
    const { keys, clock, watched, create, kinds } = setUp('shared')
    const { key } = await create()
    expect(await ask(keys, key)).toBe('accepted')
    Object.assign(watched, { failPolls: true, failReads: true })
    clock.advance(1_000)
    expect(await ask(keys, key)).toBe('accepted')
    clock.advance(1_000)
    expect(await ask(keys, key)).toBe('store_unavailable')
    expect(await ask(keys, generateSecret('sk_live_'))).toBe('store_unavailable')
    expect(kinds()).toContain('store_error')
    expect(kinds()).not.toContain('internal_error')
    Object.assign(watched, { failPolls: false, failReads: false })
    expect(await ask(keys, key)).toBe('accepted')
    await keys.close()
  })

  it('that is away is bridged as long as staleOnOutageMs says, and that is told', async () => {
    const { keys, clock, watched, create, kinds } = setUp('shared', { cache: { staleOnOutageMs: 30_000 } })
    const { key } = await create()
    expect(await ask(keys, key)).toBe('accepted')
    Object.assign(watched, { failPolls: true, failReads: true })
    clock.advance(31_999)
    expect(await ask(keys, key)).toBe('accepted')
    expect(kinds()).toContain('stale_accept')
    expect(await ask(keys, generateSecret('sk_live_'))).toBe('store_unavailable')
    clock.advance(1)
    expect(await ask(keys, key)).toBe('store_unavailable')
    await keys.close()
  })

  it('whose read takes longer than a lease is not believed', async () => {
    const { keys, elsewhere, clock, watched, create } = setUp('shared')
    const { key, writeKey } = await create()
    let release = () => {}
    watched.hold = () =>
      new Promise((resolve) => {
        release = resolve
      })
    const frozen = ask(keys, key)
    while (watched.reads === 0) await new Promise((resolve) => setImmediate(resolve))
    await elsewhere.revoke(writeKey.id)
    clock.advance(10_000)
    watched.hold = async () => {}
    release()
    await frozen
    expect(await ask(keys, key)).toBe('revoked_key')
    await keys.close()
  })
})

describe('grace', () => {
  it('ends at its deadline although the key is cached', async () => {
    const { keys, clock } = setUp('process')
    const { key, writeKey } = await keys.create({ name: 'Web App', sourceType: 'web' })
    const rotated = await keys.rotate(writeKey.id, { gracePeriodHours: 1 })
    clock.advance(3_599_999)
    expect(await ask(keys, key)).toBe('accepted')
    clock.advance(1)
    expect(await ask(keys, key)).toBe('expired_key')
    expect(await ask(keys, rotated.key)).toBe('accepted')
    await keys.close()
  })

  it('and expiry go by the clock as it is: one that was wrong for a moment does no lasting harm', async () => {
    const { keys, clock } = setUp('process')
    const expiresAt = new Date(clock.now() + 3_600_000)
    const { key, writeKey } = await keys.create({ name: 'Web App', sourceType: 'web', expiresAt })
    const rotated = await keys.rotate(writeKey.id, { gracePeriodHours: 0.5 })
    for (const secret of [key, rotated.key]) expect(await ask(keys, secret)).toBe('accepted')
    clock.advanceWallClock(7_200_000)
    for (const secret of [key, rotated.key]) expect(await ask(keys, secret)).toBe('expired_key')
    clock.advanceWallClock(-7_200_000)
    for (const secret of [key, rotated.key]) expect(await ask(keys, secret)).toBe('accepted')
    await keys.close()
  })
})

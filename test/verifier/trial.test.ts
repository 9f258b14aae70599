import { describe, expect, it } from 'vitest'
import type { CreateKeyInput, WriteKeysOptions } from '../../src/index.ts'
import { startTold } from './told-keys.ts'

function start(options: WriteKeysOptions = {}) {
  const { keys, ...others } = startTold(options)
  const send = (key: string, { origin, ip = '203.0.113.1', types = ['track'] }: Sent = {}) =>
    keys.verify({
      method: 'POST',
      path: '/v1/batch',
      headers: { authorization: `Basic ${btoa(`${key}:`)}`, ...(origin !== undefined && { origin }) },
      ip,
      body: { batch: types.map((type) => ({ type, event: 'Seen', name: 'Home' })) },
    })
  return { keys, send, ...others }
}

interface Sent {
  origin?: string
  ip?: string
  types?: string[]
}

describe('rules on trial', () => {
  it.each<[string, CreateKeyInput['trial'], Sent, Sent]>([
    ['origin_not_allowed', { allowedOrigins: ['https://a.example'] }, { origin: 'https://b.example' }, {}],
    ['ip_not_allowed', { deniedIps: ['203.0.113.0/24'] }, {}, { ip: '198.51.100.1' }],
    ['event_type_not_allowed', { allowedEventTypes: ['page'] }, {}, { types: ['page'] }],
    ['event_name_not_allowed', { deniedEventNames: ['Seen'] }, {}, { types: ['identify'] }],
    ['rate_limited', { rateLimitEps: 1 }, { types: ['track', 'track', 'track'] }, {}],
    ['sender_rate_limited', { senderRateLimitEps: 1 }, { types: ['track', 'track'] }, { ip: '198.51.100.1' }],
  ])('tell %s and refuse nothing', async (reason, trial, refused, passed) => {
    const { keys, events, make, send } = start()
    const { key, writeKey } = await make({ trial, rateLimitEps: 100 })
    expect(writeKey.trial).toEqual(trial)
    const first = await send(key, passed)
    expect(first).toMatchObject({ ok: true, wouldRefuse: undefined })
    if (reason.endsWith('rate_limited')) await send(key, refused)
    const verdict = await send(key, refused)
    expect(verdict).toMatchObject({ ok: true, wouldRefuse: reason })
    if (!verdict.ok) throw new Error('refused')
    expect(verdict.events).toHaveLength(refused.types?.length ?? 1)
    expect(events.find(({ type }) => type === 'would_refuse')).toMatchObject({ keyId: writeKey.id, reason })
    expect(keys.activity.decisions.list({ outcome: 'would_refuse' }).at(-1)).toMatchObject({
      reason: null,
      wouldRefuse: reason,
    })
    const usage = await keys.usage(writeKey.id)
    expect(Object.keys(usage.wouldRefuse)).toEqual([reason])
    expect(usage.refusedTotal).toBe(0)
    expect(usage.triedTotal).toBe(usage.acceptedTotal)
  })

  it('are counted in events: "would have refused 4 of 10"', async () => {
    const { keys, make, send } = start()
    const { key, writeKey } = await make({ trial: { allowedEventTypes: ['track'] } })
    for (let count = 0; count < 6; count++) await send(key)
    await send(key, { types: ['page', 'page'] })
    await send(key, { types: ['page', 'page'] })
    expect(await keys.usage(writeKey.id)).toMatchObject({
      wouldRefuse: { event_type_not_allowed: 4 },
      wouldRefuseTotal: 4,
      triedTotal: 10,
      acceptedTotal: 10,
      refused: {},
    })
    const { events24h, rejected24h } = (await keys.volumes([writeKey.id])).get(writeKey.id) ?? {}
    expect({ events24h, rejected24h }).toEqual({ events24h: 10, rejected24h: 0 })
  })

  it('charge nothing, and stand beside the enforced rules, never instead of them', async () => {
    const { make, send, keys } = start()
    const { key, writeKey } = await make({
      rateLimitEps: 3,
      allowedOrigins: ['https://a.example'],
      trial: { rateLimitEps: 1, allowedOrigins: ['https://b.example'] },
    })
    expect(await send(key, { origin: 'https://b.example' })).toMatchObject({ reason: 'origin_not_allowed' })
    for (let count = 0; count < 3; count++) expect((await send(key)).ok).toBe(true)
    expect(await send(key)).toMatchObject({ reason: 'rate_limited' })
    expect(await keys.usage(writeKey.id)).toMatchObject({ wouldRefuse: { rate_limited: 2 }, triedTotal: 3 })
  })

  it('leave events alone that drop would leave out', async () => {
    const { make, send } = start({ onForbiddenEvent: 'drop' })
    const { key } = await make({ trial: { allowedEventTypes: ['track'] } })
    const verdict = await send(key, { types: ['track', 'page'] })
    expect(verdict).toMatchObject({ ok: true, wouldRefuse: 'event_type_not_allowed', rejected: [] })
    expect(verdict.ok && verdict.events.length).toBe(2)
  })

  it('are enforced, or dropped, in one change', async () => {
    const { keys, make, send } = start()
    const { key, writeKey } = await make({
      deniedIps: ['192.0.2.1'],
      trial: { allowedEventTypes: ['page'], rateLimitEps: 7 },
    })
    expect(await keys.enforceTrial(writeKey.id)).toMatchObject({
      trial: null,
      allowedEventTypes: ['page'],
      rateLimitEps: 7,
      deniedIps: ['192.0.2.1'],
      version: 2,
    })
    expect(await send(key)).toMatchObject({ reason: 'event_type_not_allowed' })
    await expect(keys.enforceTrial(writeKey.id)).rejects.toMatchObject({ reason: 'no_trial' })
    await keys.update(writeKey.id, { trial: { allowedEventTypes: ['track'] } })
    expect(await keys.dropTrial(writeKey.id)).toMatchObject({ trial: null, allowedEventTypes: ['page'] })
  })

  it.each([
    [{ allowedOrigins: ['nonsense'] }, /^trial\.allowedOrigins\[0\]/, 'trial.allowedOrigins'],
    [{ allowedIps: [] }, /^trial\.allowedIps must not be empty/, 'trial.allowedIps'],
    [{ expiresAt: 5 }, /^trial has expiresAt, which cannot be tried/, 'trial'],
    [{ rateLimitEps: 0 }, /^trial\.rateLimitEps must be/, 'trial.rateLimitEps'],
    [{ rateLimitEps: null }, /^trial has rateLimitEps: null/, 'trial'],
    [[], /^trial must be an object/, 'trial'],
  ])('are read as the enforced ones are: %j', async (trial, message, field) => {
    const { make } = start()
    await expect(make({ trial: trial as never })).rejects.toMatchObject({
      field,
      message: expect.stringMatching(message),
    })
  })

  it('that hold no rule are none', async () => {
    const { make } = start()
    expect((await make({ trial: {} })).writeKey.trial).toBeNull()
    expect((await make({ trial: { deniedIps: [] } })).writeKey.trial).toBeNull()
  })

  it.each([
    ['of its origin', 'https://a.example', undefined],
    ['whose origin cannot be told', 'null', 'origin_not_allowed'],
    ['that is none', undefined, undefined],
  ])('judge a page %s', async (_, origin, expected) => {
    const { make, send } = start()
    const { key } = await make({ trial: { allowedOrigins: ['https://a.example'] } })
    const verdict = await send(key, origin === undefined ? {} : { origin })
    expect(verdict).toMatchObject({ ok: true, wouldRefuse: expected })
  })

  it.each([
    [{ allowedIps: ['192.0.2.1'] }, 'ip_not_allowed'],
    [{ senderRateLimitEps: 1 }, undefined],
    [{ rateLimitEps: 2, senderRateLimitEps: 1 }, undefined],
  ])('judge a sender that cannot be told: %j', async (trial, expected) => {
    const { make, keys } = start()
    const { key } = await make({ trial })
    const headers = { authorization: `Basic ${btoa(`${key}:`)}` }
    const request = { method: 'POST', path: '/v1/batch', headers, body: [{ type: 'track' }] }
    for (let count = 0; count < 2; count++)
      expect(await keys.verify(request)).toMatchObject({ ok: true, wouldRefuse: expected })
    const isLimited = 'rateLimitEps' in trial
    expect(await keys.verify(request)).toMatchObject({ wouldRefuse: isLimited ? 'rate_limited' : expected })
  })

  it('that say nothing of pages judge none', async () => {
    const { make, send } = start()
    const { key } = await make({ trial: { deniedIps: ['192.0.2.1'] } })
    const verdict = await send(key, { origin: 'https://a.example' })
    expect(verdict).toMatchObject({ ok: true, wouldRefuse: undefined })
  })

  it('judge a request without a body by its rate, not by its events', async () => {
    const { make, keys } = start()
    const { key } = await make({ trial: { allowedEventTypes: ['page'], rateLimitEps: 1 } })
    const headers = { authorization: `Basic ${btoa(`${key}:`)}` }
    const request = { method: 'GET', path: '/v1/batch', headers }
    for (const expected of [undefined, 'rate_limited'])
      expect(await keys.verify(request)).toMatchObject({ ok: true, wouldRefuse: expected })
  })

  it('give a sender its share back when the key has no room, and fill up with time', async () => {
    const { make, send, wait } = start()
    const { key } = await make({ trial: { rateLimitEps: 5, senderRateLimitEps: 4 } })
    const tell = async (ip: string, count: number) => {
      const verdict = await send(key, { ip, types: Array.from({ length: count }, () => 'track') })
      return verdict.ok && verdict.wouldRefuse
    }
    expect(await tell('203.0.113.1', 4)).toBeUndefined()
    expect(await tell('203.0.113.2', 4)).toBe('rate_limited')
    expect(await tell('203.0.113.2', 1)).toBeUndefined()
    expect(await tell('203.0.113.3', 1)).toBe('rate_limited')
    wait(1_000)
    expect(await tell('203.0.113.3', 4)).toBeUndefined()
  })
})

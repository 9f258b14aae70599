import { describe, expect, it } from 'vitest'
import type { WriteKeysOptions } from '../../src/index.ts'
import { startTold } from './told-keys.ts'

function start(options: WriteKeysOptions = {}) {
  const { keys, ...others } = startTold(options)
  const send = (key: string, ip: string | undefined, count = 1, more: object = {}) =>
    keys.verify({
      method: 'POST',
      path: '/v1/batch',
      headers: { authorization: `Basic ${btoa(`${key}:`)}`, ...more },
      ...(ip !== undefined && { ip }),
      body: { batch: Array.from({ length: count }, () => ({ type: 'track', event: 'Seen' })) },
    })
  return { keys, send, ...others }
}

describe('senderRateLimitEps', () => {
  it('refuses a sender at 100 times its share, and nobody else', async () => {
    const { make, send, keys, wait } = start()
    const { key, writeKey } = await make({ rateLimitEps: 200, senderRateLimitEps: 2 })
    const refused: Record<string, number> = { noisy: 0, others: 0 }
    for (let second = 0; second < 3; second++) {
      for (let request = 0; request < 200; request++) {
        const verdict = await send(key, '203.0.113.1')
        if (verdict.ok) continue
        refused.noisy = (refused.noisy ?? 0) + 1
        expect(verdict).toMatchObject({ reason: 'sender_rate_limited', reply: { status: 429 } })
      }
      for (let other = 0; other < 50; other++)
        if (!(await send(key, `198.51.100.${other}`)).ok) refused.others = (refused.others ?? 0) + 1
      wait(1_000)
    }
    expect(refused).toEqual({ noisy: 600 - 6, others: 0 })
    expect((await keys.usage(writeKey.id)).refused).toEqual({ sender_rate_limited: 594 })
    await keys.close()
  })

  it('counts senders of the same link, whose addresses have a zone', async () => {
    const { make, send, events } = start()
    const { key } = await make({ rateLimitEps: 200, senderRateLimitEps: 2 })
    expect(await send(key, 'fe80::1%eth0', 2)).toMatchObject({ ok: true, ip: 'fe80::1' })
    expect(await send(key, 'fe80::1%eth0')).toMatchObject({ reason: 'sender_rate_limited' })
    expect(events.filter(({ type }) => type === 'sender_unknown')).toEqual([])
  })

  it('names the time after which the same request fits, and shows the tighter bucket', async () => {
    const { make, send, wait } = start()
    const { key } = await make({ rateLimitEps: 10, senderRateLimitEps: 4 })
    expect(await send(key, '203.0.113.1', 3)).toMatchObject({
      headers: { 'x-ratelimit-limit': '4', 'x-ratelimit-remaining': '1' },
    })
    expect(await send(key, '203.0.113.2', 4)).toMatchObject({ headers: { 'x-ratelimit-remaining': '0' } })
    expect(await send(key, '203.0.113.3', 2)).toMatchObject({
      headers: { 'x-ratelimit-limit': '10', 'x-ratelimit-remaining': '1' },
    })
    const refused = await send(key, '203.0.113.1', 4)
    expect(refused).toMatchObject({
      reason: 'sender_rate_limited',
      reply: { headers: { 'retry-after': '1', 'ratelimit-policy': '"events";q=4;w=1' } },
    })
    wait(1_000)
    expect(await send(key, '203.0.113.1', 4)).toMatchObject({ ok: true })
  })

  it('charges both buckets or neither', async () => {
    const { make, send } = start()
    const { key } = await make({ rateLimitEps: 5, senderRateLimitEps: 4 })
    expect(await send(key, '203.0.113.1', 4)).toMatchObject({ ok: true })
    // The key has 1 left: the second sender keeps its whole share, the key what it has.
    expect(await send(key, '203.0.113.2', 3)).toMatchObject({ reason: 'rate_limited' })
    expect(await send(key, '203.0.113.1', 1)).toMatchObject({ reason: 'sender_rate_limited' })
    expect(await send(key, '203.0.113.2', 1)).toMatchObject({
      ok: true,
      headers: { 'x-ratelimit-limit': '5', 'x-ratelimit-remaining': '0' },
    })
  })

  it('is refused before a body is read, once it is used up', async () => {
    const { make, send, keys } = start()
    const { key } = await make({ senderRateLimitEps: 1 })
    expect(await send(key, '203.0.113.1')).toMatchObject({ ok: true })
    let reads = 0
    const verdict = await keys.verify({
      method: 'POST',
      path: '/v1/track',
      headers: { authorization: `Basic ${btoa(`${key}:`)}` },
      ip: '203.0.113.1',
      body: () => {
        reads++
        return Buffer.from('{}')
      },
    })
    expect(verdict).toMatchObject({ reason: 'sender_rate_limited' })
    expect(reads).toBe(0)
  })

  it('comes from the plan where the key sets none, and counts in each of its secrets', async () => {
    const { make, send, keys, wait } = start({
      plans: { free: { senderRateLimitEps: 1 } },
      defaultPlan: 'free',
    })
    const { key, writeKey } = await make({})
    expect(writeKey).toMatchObject({ senderRateLimitEps: null, effectiveSenderRateLimitEps: 1 })
    const rotated = await keys.rotate(writeKey.id)
    expect(await send(key, '203.0.113.1')).toMatchObject({ ok: true })
    expect(await send(rotated.key, '203.0.113.1')).toMatchObject({ reason: 'sender_rate_limited' })
    wait(1_000)
    await keys.update(writeKey.id, { senderRateLimitEps: 2 })
    expect(await send(rotated.key, '203.0.113.1', 2)).toMatchObject({ ok: true })
  })

  it.each([
    ['no_address', undefined, {}],
    ['forwarded_for', '10.0.0.1', { 'x-forwarded-for': '203.0.113.1' }],
  ])('does not count where senders cannot be told apart (%s), and says so once', async (cause, ip, more) => {
    const { make, send, events } = start()
    const { key, writeKey } = await make({ senderRateLimitEps: 1 })
    for (let count = 0; count < 3; count++) expect(await send(key, ip, 1, more)).toMatchObject({ ok: true })
    expect(events.filter(({ type }) => type === 'sender_unknown')).toEqual([
      { type: 'sender_unknown', keyId: writeKey.id, cause },
    ])
  })

  it('tells senders behind a trusted proxy apart by what the proxy says', async () => {
    const { make, send } = start({ trustedProxies: 1 })
    const { key } = await make({ senderRateLimitEps: 1 })
    const from = (forwarded: string) => send(key, '10.0.0.1', 1, { 'x-forwarded-for': forwarded })
    expect(await from('2001:db8:1:2::1')).toMatchObject({ ok: true })
    expect(await from('2001:db8:1:2::2')).toMatchObject({ reason: 'sender_rate_limited' })
    expect(await from('2001:db8:1:3::1')).toMatchObject({ ok: true })
  })

  it('gives the share back when the key was revoked while the body arrived', async () => {
    const { make, send, keys } = start()
    const { key, writeKey } = await make({ senderRateLimitEps: 1, allowedEventTypes: ['track'] })
    const verdict = await keys.verify({
      method: 'POST',
      path: '/v1/track',
      headers: { authorization: `Basic ${btoa(`${key}:`)}` },
      ip: '203.0.113.1',
      body: async () => {
        await keys.update(writeKey.id, { deniedIps: ['203.0.113.1'] })
        return Buffer.from('{}')
      },
    })
    expect(verdict).toMatchObject({ reason: 'ip_not_allowed' })
    await keys.update(writeKey.id, { deniedIps: null })
    expect(await send(key, '203.0.113.1')).toMatchObject({ ok: true })
  })

  it('must be a rate', async () => {
    const { make } = start()
    await expect(make({ senderRateLimitEps: 0 })).rejects.toMatchObject({ field: 'senderRateLimitEps' })
  })
})

describe('a sender that cannot be told', () => {
  it.each([
    ['forwarded_for', '203.0.113.1', { forwarded: 'for=198.51.100.1' }],
    ['forwarded_for', '203.0.113.1', { 'x-forwarded-for': '198.51.100.1' }],
    ['no_address', undefined, {}],
  ])('has no share, whether its body is read or handed in: %s', async (cause, ip, more) => {
    const { make, keys, events } = start()
    const { key, writeKey } = await make({ rateLimitEps: 200, senderRateLimitEps: 1 })
    const headers = { authorization: `Basic ${btoa(`${key}:`)}`, ...more }
    const request = { method: 'POST', path: '/v1/batch', headers, ...(ip !== undefined && { ip }) }
    for (const body of [[{ type: 'track' }], () => '[{"type":"track"}]', () => '[{"type":"track"}]'])
      expect(await keys.verify({ ...request, body })).toMatchObject({ ok: true })
    expect(events.filter(({ type }) => type === 'sender_unknown')).toEqual([
      { type: 'sender_unknown', keyId: writeKey.id, cause },
    ])
  })
})

import { describe, expect, it } from 'vitest'
import type { IngestRequestInit, RateLimiter, WriteKeysOptions } from '../../../src/index.ts'
import { basic } from '../../../src/testing/adapter/golden/golden-request.ts'
import { startTold } from '../told-keys.ts'

function start(options: WriteKeysOptions = {}) {
  const { keys, make, wait } = startTold(options)
  const send = async (key: string, request: Partial<IngestRequestInit> = {}) =>
    keys.verify({
      method: 'POST',
      path: '/v1/batch',
      headers: { authorization: basic(key) },
      ip: '203.0.113.1',
      body: [{ type: 'track' }],
      ...request,
    })
  const sendFrom = (key: string, ip: string, count: number) =>
    send(key, { ip, body: Array.from({ length: count }, () => ({ type: 'track' })) })
  return { keys, make, wait, send, sendFrom }
}

/** A body, and whether it was read. */
function createBody(text = '[{"type":"track"}]') {
  let isRead = false
  const body = () => {
    isRead = true
    return text
  }
  return { body, isRead: () => isRead }
}

describe('a request', () => {
  it('leaves its sender the whole share when the key has no room for it', async () => {
    const { make, sendFrom } = start()
    const { key } = await make({ rateLimitEps: 5, senderRateLimitEps: 4 })
    expect((await sendFrom(key, '203.0.113.1', 4)).ok).toBe(true)
    expect(await sendFrom(key, '203.0.113.2', 4)).toMatchObject({ reason: 'rate_limited' })
    expect((await sendFrom(key, '203.0.113.2', 1)).ok).toBe(true)
  })

  it('shows the bucket of the key when as much is left of the share', async () => {
    const { make, sendFrom } = start()
    const { key } = await make({ rateLimitEps: 5, senderRateLimitEps: 4 })
    await sendFrom(key, '203.0.113.1', 1)
    expect(await sendFrom(key, '203.0.113.2', 1)).toMatchObject({
      headers: { 'x-ratelimit-limit': '5', 'x-ratelimit-remaining': '3' },
    })
  })

  it('without a body costs one event', async () => {
    const { make, send } = start()
    const { key } = await make({ rateLimitEps: 2 })
    const get = () => send(key, { method: 'GET', body: undefined })
    expect(await get()).toMatchObject({ ok: true, headers: { 'x-ratelimit-remaining': '1' } })
    expect((await get()).ok).toBe(true)
    expect(await get()).toMatchObject({ reason: 'rate_limited' })
  })

  it('is charged to its key alone where its sender is not known', async () => {
    const { keys, make } = start()
    const { key } = await make({ rateLimitEps: 1, senderRateLimitEps: 1 })
    const request = { method: 'POST', path: '/', headers: { authorization: basic(key) }, body: {} }
    expect((await keys.verify(request)).ok).toBe(true)
    expect(await keys.verify(request)).toMatchObject({ reason: 'rate_limited' })
  })

  it('has its body left unread when the bucket of its key is empty', async () => {
    const { make, send } = start()
    const { key } = await make({ rateLimitEps: 1 })
    const [first, second] = [createBody(), createBody()]
    expect((await send(key, first)).ok).toBe(true)
    expect(await send(key, second)).toMatchObject({ reason: 'rate_limited' })
    expect([first.isRead(), second.isRead()]).toEqual([true, false])
  })

  it('has its body read by a limiter that cannot tell before', async () => {
    const limiter: RateLimiter = {
      consume: () => ({ allowed: true, remaining: 0, retryAfterMs: 0, resetMs: 0 }),
      close() {},
    }
    const { make, send } = start({ limiter })
    const { key } = await make({ rateLimitEps: 1 })
    for (let count = 0; count < 2; count++) expect((await send(key, createBody())).ok).toBe(true)
  })

  it.each([[true], [false]])(
    'is refunded by a limiter that can when its key has ended: %s',
    async (canRefund) => {
      const refunds: unknown[] = []
      const limiter: RateLimiter = {
        async consume(keyId) {
          await keys.revoke(keyId)
          return { allowed: true, remaining: 0, retryAfterMs: 0, resetMs: 0 }
        },
        ...(canRefund && { refund: (...about) => void refunds.push(about) }),
        close() {},
      }
      const { keys, make, sendFrom } = start({ limiter })
      const { key, writeKey } = await make({ rateLimitEps: 5 })
      expect(await sendFrom(key, '203.0.113.1', 2)).toMatchObject({ reason: 'revoked_key' })
      expect(refunds).toEqual(canRefund ? [[writeKey.id, 2]] : [])
    },
  )

  it('gives nothing back that was not charged', async () => {
    const refunds: unknown[] = []
    const limiter: RateLimiter = {
      consume: () => ({ allowed: true, remaining: 0, retryAfterMs: 0, resetMs: 0 }),
      refund: (...about) => void refunds.push(about),
      close() {},
    }
    const { make, send } = start({ limiter })
    const { key } = await make({ rateLimitEps: 1 })
    const body = () => {
      throw new Error('broken')
    }
    expect(await send(key, { body })).toMatchObject({ reason: 'internal_error' })
    expect(refunds).toEqual([])
  })
})

describe('an empty bucket', () => {
  it('is the reason of a refusal, whatever else is wrong, and however the body is handed in', async () => {
    const { make, send } = start()
    const { key } = await make({ rateLimitEps: 1, allowedEventTypes: ['track'] })
    expect((await send(key)).ok).toBe(true)
    for (const body of [[{ type: 'page' }], [5], () => '[{"type":"page"}]'])
      expect(await send(key, { body })).toMatchObject({ reason: 'rate_limited' })
  })

  it('is not the reason when there was room before the body was read', async () => {
    const { make, send } = start()
    const { key } = await make({ rateLimitEps: 1, allowedEventTypes: ['track'] })
    const body = async () => {
      expect((await send(key)).ok).toBe(true)
      return '[{"type":"page"}]'
    }
    expect(await send(key, { body })).toMatchObject({ reason: 'event_type_not_allowed' })
  })
})

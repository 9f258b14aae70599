import { describe, expect, it, onTestFinished } from 'vitest'
import { createWriteKeys, type IngestRequestInit, type RateLimiter } from '../../../src/index.ts'
import { createGate } from '../../cache/shared-memory.ts'
import { post, web } from '../../manual-keys.ts'

const origin = 'https://app.example.com'

async function start(fields: object, limiter?: RateLimiter) {
  const keys = createWriteKeys({ logger: false, ...(limiter && { limiter }) })
  onTestFinished(() => keys.close())
  const { key, writeKey } = await keys.create({ ...web, ...fields })
  const send = (about: Partial<IngestRequestInit> = {}) => {
    const made = post(key, { event: 'a' })
    return keys.verify({ ...made, ...about, headers: { ...made.headers, origin } })
  }
  return { keys, id: writeKey.id, send }
}

/** A limiter that answers when it is told to. */
function createWaitingLimiter() {
  const { wait, open } = createGate()
  const limiter: RateLimiter = {
    async consume() {
      await wait()
      return { allowed: true, remaining: 1, retryAfterMs: 0, resetMs: 0 }
    },
    close() {},
  }
  return { limiter, open }
}

describe('a key that changes while a request is under way', () => {
  it('is refused as an unknown one is, for any page to read', async () => {
    const { limiter, open } = createWaitingLimiter()
    const { keys, id, send } = await start({ rateLimitEps: 5, allowedOrigins: [origin] }, limiter)
    const sent = send()
    await new Promise(setImmediate)
    await keys.revoke(id)
    open()
    expect(await sent).toMatchObject({
      reason: 'revoked_key',
      reply: { headers: { 'access-control-allow-origin': '*' } },
    })
  })

  it('is judged by its new rules, and the events that these refuse are named', async () => {
    const { limiter, open } = createWaitingLimiter()
    const { keys, id, send } = await start({ rateLimitEps: 5 }, limiter)
    const sent = send()
    await new Promise(setImmediate)
    await keys.update(id, { allowedEventTypes: ['page'] })
    open()
    const verdict = await sent
    expect(verdict).toMatchObject({ reason: 'event_type_not_allowed' })
    expect(JSON.parse(verdict.ok ? '{}' : verdict.reply.body).rejected).toEqual([{ index: 0, type: 'track' }])
  })

  it('is judged again without a body, too', async () => {
    const { limiter, open } = createWaitingLimiter()
    const { keys, id, send } = await start({ rateLimitEps: 5 }, limiter)
    const sent = send({ method: 'GET', body: undefined })
    await new Promise(setImmediate)
    await keys.update(id, { name: 'Renamed' })
    open()
    expect(await sent).toMatchObject({ ok: true, events: [], writeKey: { name: 'Renamed' } })
  })
})

describe('a request behind another in the same turn of the event loop', () => {
  it('is refused when the handler of the other has revoked its key', async () => {
    const { keys, id, send } = await start({})
    expect((await send()).ok).toBe(true)
    const first = send().then(async ({ ok }) => {
      await keys.revoke(id)
      return ok
    })
    const second = send()
    expect(await first).toBe(true)
    expect(await second).toMatchObject({ reason: 'revoked_key' })
  })

  it('is refused so after a wait of both', async () => {
    const { limiter, open } = createWaitingLimiter()
    const { keys, id, send } = await start({ rateLimitEps: 5 }, limiter)
    const first = send().then(async ({ ok }) => {
      await keys.revoke(id)
      return ok
    })
    const second = send()
    await new Promise(setImmediate)
    open()
    expect(await first).toBe(true)
    expect(await second).toMatchObject({ reason: 'revoked_key' })
  })
})

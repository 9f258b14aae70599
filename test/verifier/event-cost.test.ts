import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { createWriteKeys, type IngestRequest, type WriteKeysOptions } from '../../src/index.ts'
import { basic } from '../../src/testing/adapter/golden/golden-request.ts'
import { createManualClock } from '../contract/limiter-contract.ts'

const eventBytes = 100
const burst = 1_000
const kilobyte = JSON.stringify({ text: 'x'.repeat(1_024 - 11) })

async function start(options: WriteKeysOptions = {}, fields = {}) {
  const clock = createManualClock()
  const keys = createWriteKeys({ clock, eventBytes, ...options })
  const { key } = await keys.create({ name: 'Web', sourceType: 'web', rateLimitEps: burst, ...fields })
  const send = (body: unknown, headers: IngestRequest['headers'] = {}) =>
    keys.verify({
      method: 'POST',
      path: '/v1/batch',
      headers: { authorization: basic(key), ...headers },
      body,
    })
  /** What the bucket has less than before. */
  async function cost(body: unknown, headers?: IngestRequest['headers']): Promise<number> {
    clock.advance(60_000)
    const verdict = await send(body, headers)
    expect(verdict.ok).toBe(true)
    return burst - Number((verdict as { headers: Record<string, string> }).headers['x-ratelimit-remaining'])
  }
  return { clock, send, cost }
}

describe('what a request costs', () => {
  it('is the number of its events, or one for every eventBytes begun', async () => {
    const { cost } = await start()
    expect(await cost('{}')).toBe(1)
    expect(await cost('[{},{},{}]')).toBe(3)
    expect(await cost(kilobyte)).toBe(11)
    expect(await cost(kilobyte.padEnd(1_100))).toBe(11)
    expect(await cost(kilobyte.padEnd(1_101))).toBe(12)
    expect(await cost(`[${Array.from({ length: 30 }, () => '{}').join()}]`.padEnd(1_000))).toBe(30)
  })

  it('counts bytes as they are once inflated, whoever has read them', async () => {
    const { cost } = await start()
    const encoded = gzipSync(kilobyte)
    const gzip = { 'content-encoding': 'gzip', 'content-length': String(encoded.length) }
    expect(await cost(() => encoded, gzip)).toBe(11)
    expect(await cost(encoded, gzip)).toBe(11)
    expect(await cost(Buffer.from(kilobyte), gzip)).toBe(11)
    expect(await cost(() => Buffer.from(kilobyte), { 'transfer-encoding': 'chunked' })).toBe(11)
  })

  it('goes by the length of an unencoded body that somebody else has parsed, and knows nothing of others', async () => {
    const { cost } = await start()
    expect(await cost({}, { 'content-length': '1024' })).toBe(11)
    expect(await cost({}, { 'content-length': '1024', 'content-encoding': 'identity' })).toBe(11)
    expect(await cost({}, { 'content-length': '1024', 'content-encoding': 'gzip' })).toBe(1)
    expect(await cost([{}, {}], { 'transfer-encoding': 'chunked' })).toBe(2)
    expect(await cost({}, { 'content-length': '1e9' })).toBe(1)
  })

  it('counts events that are dropped', async () => {
    const { cost } = await start({ onForbiddenEvent: 'drop' }, { allowedEventTypes: ['track'] })
    const [good, bad] = [{ type: 'track' }, { type: 'page' }]
    expect(await cost([good, bad, bad])).toBe(3)
  })

  it('is 65 536 bytes an event by default', async () => {
    const clock = createManualClock()
    const keys = createWriteKeys({ clock })
    const { key } = await keys.create({ name: 'Web', sourceType: 'web', rateLimitEps: 100 })
    const verdict = await keys.verify({
      method: 'POST',
      path: '/',
      headers: { authorization: basic(key) },
      body: '{}'.padEnd(3 * 65_536 + 1),
    })
    expect(verdict).toMatchObject({ ok: true, headers: { 'x-ratelimit-remaining': '96' } })
  })

  it('is told beforehand as far as the length says it, when the bucket is empty', async () => {
    const { send } = await start({ burstSeconds: 10 }, { rateLimitEps: 10 })
    const unread = () => {
      throw new Error('was read')
    }
    async function retryAfter(length?: number): Promise<string | undefined> {
      const verdict = await send(unread, length === undefined ? {} : { 'content-length': String(length) })
      expect(verdict).toMatchObject({ ok: false, reason: 'rate_limited' })
      return verdict.ok ? undefined : verdict.reply.headers['retry-after']
    }
    expect((await send('{}'.padEnd(10_000))).ok).toBe(true)
    expect(await retryAfter()).toBe('1')
    expect(await retryAfter(1_000)).toBe('1')
    expect(await retryAfter(1_001)).toBe('2')
    expect(await retryAfter(9_000)).toBe('9')
    // More than the bucket holds: it has to be full, and no longer.
    expect(await retryAfter(1_000_000)).toBe('10')
    // Behind a parser the same request is told the same.
    const parsed = await send([{}, {}], { 'content-length': '9000' })
    expect(parsed).toMatchObject({ ok: false, reply: { headers: { 'retry-after': '9' } } })
  })
})

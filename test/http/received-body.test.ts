import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { BodyAccount } from '../../src/http/body-holders.ts'
import type { FieldValues } from '../../src/http/ingest-request.ts'
import { maxJsonDepth } from '../../src/http/json-body.ts'
import { createPendingBodies } from '../../src/http/pending-bodies.ts'
import { receiveBody } from '../../src/http/received-body.ts'
import { createTurns } from '../../src/http/turns.ts'
import { systemClock } from '../../src/runtime/clock.ts'

const LIMIT = 1000
const event = { type: 'track', event: 'Order Completed' }
const json = Buffer.from(JSON.stringify(event))
const ours = { ok: true, value: event, bytes: json.length }
const refused = (reason: string, bodyLeft = false) => ({ ok: false, reason, bodyLeft })
const newAccount = (): BodyAccount => ({
  key: 'wk_a',
  heldBytes: 0,
  heldUnknownBytes: 0,
  giveUp: undefined,
  entry: undefined,
  lostRoom: false,
})

function receive(
  body: unknown,
  headers: FieldValues,
  maxBytes: number,
  pending = createPendingBodies(1e6),
  account = newAccount(),
) {
  const turns = createTurns({ atOnce: 2, patienceMs: 60_000, clock: systemClock })
  return receiveBody(
    body,
    headers,
    { maxBytes, pending, turnsOf: () => turns, names: { keyOf: () => 'wk_a', senderOf: () => 'one' } },
    account,
  )
}

const gzip = { 'content-encoding': 'gzip' }

describe('receiveBody with a parsed value', () => {
  it('takes it as it is, at once', () => {
    for (const value of [event, [event], {}, []]) {
      const received = receive(value, gzip, LIMIT)
      expect(received).toEqual({ ok: true, value, bytes: undefined })
      expect((received as { value: unknown }).value).toBe(value)
    }
  })

  it('finds no JSON where nothing was parsed', () => {
    expect(receive(undefined, {}, LIMIT)).toEqual(refused('invalid_json'))
    expect(receive(null, {}, LIMIT)).toEqual(refused('invalid_json'))
  })
})

describe('receiveBody with a body of which a part is missing', () => {
  it.each([
    ['nothing', ''],
    ['half', '{"type":"tr'],
  ])('never calls it invalid: %s', async (_, rest) => {
    const read = () => Buffer.from(rest)
    expect(() => receive(read, { 'content-length': '16' }, LIMIT)).toThrow('has read a request body')
    await expect(receive(async () => read(), { 'content-length': '16' }, LIMIT)).rejects.toThrow()
    expect(receive(read, { 'content-length': String(rest.length) }, LIMIT)).toEqual(refused('invalid_json'))
  })
})

describe('receiveBody with bytes or text handed in', () => {
  it('parses them at once', () => {
    expect(receive(json, {}, LIMIT)).toEqual(ours)
    expect(receive(new Uint8Array(json), {}, LIMIT)).toEqual(ours)
    expect(receive(json.toString(), {}, LIMIT)).toEqual(ours)
    expect(receive('', {}, LIMIT)).toEqual(refused('invalid_json'))
    expect(receive('a=1', {}, LIMIT)).toEqual(refused('invalid_json'))
  })

  it('parses what was inflated already, whatever content-encoding still says', async () => {
    for (const encoding of ['gzip', 'br', 'deflate', 'identity', 'zstd']) {
      const headers = { 'content-encoding': encoding }
      expect(await receive(json, headers, LIMIT)).toEqual(ours)
      expect(await receive(Buffer.from(`\ufeff \r\n\t${json}`), headers, LIMIT)).toMatchObject({
        value: event,
      })
      expect(await receive(json.toString(), headers, LIMIT)).toEqual(ours)
    }
  })

  it('inflates what was not', async () => {
    expect(await receive(gzipSync(json), gzip, LIMIT)).toEqual(ours)
    expect(await receive(deflateSync(json), { 'content-encoding': 'Deflate' }, LIMIT)).toEqual(ours)
    expect(await receive(brotliCompressSync(json), { 'content-encoding': 'br' }, LIMIT)).toEqual(ours)
  })

  it('inflates compressed bytes that happen to begin like JSON', async () => {
    for (let length = 1; length < 400; length++) {
      const value = ['x'.repeat(length)]
      const bytes = brotliCompressSync(JSON.stringify(value))
      const received = await receive(bytes, { 'content-encoding': 'br' }, LIMIT)
      expect(received).toMatchObject({ ok: true, value })
    }
  })

  it('refuses them above the limit, in bytes', () => {
    expect(receive(Buffer.alloc(LIMIT + 1), {}, LIMIT)).toEqual(refused('payload_too_large'))
    expect(receive(`"${'é'.repeat(LIMIT / 2)}"`, {}, LIMIT)).toEqual(refused('payload_too_large'))
  })
})

describe('receiveBody with a reader', () => {
  it('asks it for no more than the limit, and parses what it gives', async () => {
    const asked: number[] = []
    const reader = (bytes: Uint8Array | string) => (maxBytes: number) => {
      asked.push(maxBytes)
      return bytes
    }
    expect(await receive(reader(json), {}, LIMIT)).toEqual(ours)
    expect(await receive(reader(json.toString()), {}, LIMIT)).toEqual(ours)
    expect(await receive(async () => json, {}, LIMIT)).toEqual(ours)
    expect(asked).toEqual([LIMIT, LIMIT])
  })

  it('inflates by content-encoding, and by it alone', async () => {
    expect(await receive(() => gzipSync(json), gzip, LIMIT)).toEqual(ours)
    expect(await receive(() => gzipSync(json), {}, LIMIT)).toEqual(refused('invalid_json'))
    expect(await receive(() => json, gzip, LIMIT)).toEqual(refused('invalid_json'))
  })

  it('refuses an empty body, malformed JSON and corrupt compression alike', async () => {
    for (const bytes of ['', '{', Buffer.alloc(0), Buffer.from([0xff])]) {
      expect(await receive(() => bytes, {}, LIMIT)).toEqual(refused('invalid_json'))
    }
    expect(await receive(() => gzipSync(json).subarray(0, 20), gzip, LIMIT)).toEqual(refused('invalid_json'))
  })

  it('leaves the rest of a body that is too long unread', async () => {
    for (const bytes of [null, Buffer.alloc(LIMIT + 1), 'é'.repeat(LIMIT / 2 + 1)]) {
      expect(await receive(() => bytes, {}, LIMIT)).toEqual(refused('payload_too_large', true))
    }
  })

  it('has read the whole body when it is too long only once inflated', async () => {
    const bomb = gzipSync(Buffer.alloc(100 * LIMIT))
    expect(await receive(() => bomb, gzip, LIMIT)).toEqual(refused('payload_too_large'))
  })

  it('does not know stacked and other codings', async () => {
    for (const encoding of ['compress', 'gzip, gzip', ['gzip', 'gzip']]) {
      const received = await receive(() => json, { 'content-encoding': encoding }, LIMIT)
      expect(received).toEqual(refused('unsupported_encoding'))
    }
  })

  it('says that a client went away', async () => {
    const gone = async () => {
      throw Object.assign(new Error('gone'), { code: 'client_aborted' })
    }
    expect(await receive(gone, {}, LIMIT)).toEqual(refused('client_aborted', true))
  })

  it('throws on whatever else goes wrong', async () => {
    const broken = new Error('disk full')
    await expect(async () => receive(() => Promise.reject(broken), {}, LIMIT)).rejects.toBe(broken)
    const throwing = () => {
      throw broken
    }
    await expect(async () => receive(throwing, {}, LIMIT)).rejects.toBe(broken)
    for (const given of [5n, new Map(), Symbol('body')]) {
      await expect(async () => receive(() => given, {}, LIMIT)).rejects.toThrow(TypeError)
    }
  })

  it('never throws over any bytes, under any coding', async () => {
    const encodings = fc.option(fc.oneof(fc.constantFrom('gzip', 'deflate', 'br', 'identity'), fc.string()), {
      nil: undefined,
    })
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 1500 }),
        encodings,
        fc.boolean(),
        async (bytes, encoding, isRead) => {
          const body = isRead ? () => bytes : bytes
          const received = await receive(body, { 'content-encoding': encoding }, LIMIT)
          if (bytes.length > LIMIT) expect(received).toEqual(refused('payload_too_large', isRead))
        },
      ),
    )
  })
})

describe('receiveBody with deep values', () => {
  const nested = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`

  it('takes them up to the limit, and no deeper, whoever has parsed them', async () => {
    const deepest = nested(maxJsonDepth)
    const deeper = nested(maxJsonDepth + 1)
    const lengthOf = (text: string) => ({ 'content-length': String(text.length) })
    expect(await receive(() => Buffer.from(deepest), {}, 1e6)).toMatchObject({ ok: true })
    expect(await receive(() => Buffer.from(deeper), {}, 1e6)).toEqual(refused('invalid_json'))
    expect(receive(deeper, {}, 1e6)).toEqual(refused('invalid_json'))
    expect(receive(JSON.parse(deepest), lengthOf(deepest), 1e6)).toMatchObject({ ok: true })
    expect(receive(JSON.parse(deeper), lengthOf(deeper), 1e6)).toEqual(refused('invalid_json'))
    expect(receive(JSON.parse(deeper), { 'transfer-encoding': 'chunked' }, 1e6)).toEqual(
      refused('invalid_json'),
    )
    expect(receive(JSON.parse(deeper), { 'content-length': '80', ...gzip }, 1e6)).toEqual(
      refused('invalid_json'),
    )
  })
})

describe('receiveBody beside other bodies', () => {
  it('holds what it keeps, as sent and as inflated, until it is released', async () => {
    const pending = createPendingBodies(10_000)
    const account = newAccount()
    const encoded = gzipSync(json)
    await receive(() => encoded, gzip, LIMIT, pending, account)
    expect(account.heldBytes).toBe(encoded.length + json.length)
    pending.release(account)
    expect(pending.hold(newAccount(), 10_000)).toBe(true)
  })

  it('is busy when there is no room', async () => {
    const pending = createPendingBodies(json.length - 1)
    expect(await receive(() => json, {}, LIMIT, pending)).toEqual(refused('busy'))
    expect(
      await receive(
        (_: number, hold: (bytes: number) => boolean) => (hold(json.length) ? json : null),
        {},
        LIMIT,
        pending,
      ),
    ).toEqual(refused('busy', true))
    expect(await receive(() => gzipSync(json), gzip, LIMIT, createPendingBodies(json.length + 20))).toEqual(
      refused('busy'),
    )
  })
})

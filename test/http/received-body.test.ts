import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { receiveBody } from '../../src/http/received-body.ts'

const LIMIT = 1000
const event = { type: 'track', event: 'Order Completed' }
const json = Buffer.from(JSON.stringify(event))
const ours = { ok: true, value: event, parsedByUs: true }
const refused = (reason: string, bodyLeft = false) => ({ ok: false, reason, bodyLeft })
const gzip = { 'content-encoding': 'gzip' }

describe('receiveBody with a parsed value', () => {
  it('takes it as it is, at once', () => {
    for (const value of [event, [event], {}, []]) {
      const received = receiveBody(value, gzip, LIMIT)
      expect(received).toEqual({ ok: true, value, parsedByUs: false })
      expect((received as { value: unknown }).value).toBe(value)
    }
  })

  it('finds no JSON where nothing was parsed', () => {
    expect(receiveBody(undefined, {}, LIMIT)).toEqual(refused('invalid_json'))
    expect(receiveBody(null, {}, LIMIT)).toEqual(refused('invalid_json'))
  })
})

describe('receiveBody with bytes or text handed in', () => {
  it('parses them at once', () => {
    expect(receiveBody(json, {}, LIMIT)).toEqual(ours)
    expect(receiveBody(new Uint8Array(json), {}, LIMIT)).toEqual(ours)
    expect(receiveBody(json.toString(), {}, LIMIT)).toEqual(ours)
    expect(receiveBody('', {}, LIMIT)).toEqual(refused('invalid_json'))
    expect(receiveBody('a=1', {}, LIMIT)).toEqual(refused('invalid_json'))
  })

  it('parses what was inflated already, whatever content-encoding still says', async () => {
    for (const encoding of ['gzip', 'br', 'deflate', 'identity', 'zstd']) {
      const headers = { 'content-encoding': encoding }
      expect(await receiveBody(json, headers, LIMIT)).toEqual(ours)
      expect(await receiveBody(Buffer.from(`\ufeff \r\n\t${json}`), headers, LIMIT)).toEqual(ours)
      expect(await receiveBody(json.toString(), headers, LIMIT)).toEqual(ours)
    }
  })

  it('inflates what was not', async () => {
    expect(await receiveBody(gzipSync(json), gzip, LIMIT)).toEqual(ours)
    expect(await receiveBody(deflateSync(json), { 'content-encoding': 'Deflate' }, LIMIT)).toEqual(ours)
    expect(await receiveBody(brotliCompressSync(json), { 'content-encoding': 'br' }, LIMIT)).toEqual(ours)
  })

  it('inflates compressed bytes that happen to begin like JSON', async () => {
    for (let length = 1; length < 400; length++) {
      const value = ['x'.repeat(length)]
      const bytes = brotliCompressSync(JSON.stringify(value))
      const received = await receiveBody(bytes, { 'content-encoding': 'br' }, LIMIT)
      expect(received).toEqual({ ok: true, value, parsedByUs: true })
    }
  })

  it('refuses them above the limit, in bytes', () => {
    expect(receiveBody(Buffer.alloc(LIMIT + 1), {}, LIMIT)).toEqual(refused('payload_too_large'))
    expect(receiveBody(`"${'é'.repeat(LIMIT / 2)}"`, {}, LIMIT)).toEqual(refused('payload_too_large'))
  })
})

describe('receiveBody with a reader', () => {
  it('asks it for no more than the limit, and parses what it gives', async () => {
    const asked: number[] = []
    const reader = (bytes: Uint8Array | string) => (maxBytes: number) => {
      asked.push(maxBytes)
      return bytes
    }
    expect(await receiveBody(reader(json), {}, LIMIT)).toEqual(ours)
    expect(await receiveBody(reader(json.toString()), {}, LIMIT)).toEqual(ours)
    expect(await receiveBody(async () => json, {}, LIMIT)).toEqual(ours)
    expect(asked).toEqual([LIMIT, LIMIT])
  })

  it('inflates by content-encoding, and by it alone', async () => {
    expect(await receiveBody(() => gzipSync(json), gzip, LIMIT)).toEqual(ours)
    expect(await receiveBody(() => gzipSync(json), {}, LIMIT)).toEqual(refused('invalid_json'))
    expect(await receiveBody(() => json, gzip, LIMIT)).toEqual(refused('invalid_json'))
  })

  it('refuses an empty body, malformed JSON and corrupt compression alike', async () => {
    for (const bytes of ['', '{', Buffer.alloc(0), Buffer.from([0xff])]) {
      expect(await receiveBody(() => bytes, {}, LIMIT)).toEqual(refused('invalid_json'))
    }
    expect(await receiveBody(() => gzipSync(json).subarray(0, 20), gzip, LIMIT)).toEqual(
      refused('invalid_json'),
    )
  })

  it('leaves the rest of a body that is too long unread', async () => {
    for (const bytes of [null, Buffer.alloc(LIMIT + 1), 'é'.repeat(LIMIT / 2 + 1)]) {
      expect(await receiveBody(() => bytes, {}, LIMIT)).toEqual(refused('payload_too_large', true))
    }
  })

  it('has read the whole body when it is too long only once inflated', async () => {
    const bomb = gzipSync(Buffer.alloc(100 * LIMIT))
    expect(await receiveBody(() => bomb, gzip, LIMIT)).toEqual(refused('payload_too_large'))
  })

  it('does not know stacked and other codings', async () => {
    for (const encoding of ['zstd', 'gzip, gzip', ['gzip', 'gzip']]) {
      const received = await receiveBody(() => json, { 'content-encoding': encoding }, LIMIT)
      expect(received).toEqual(refused('unsupported_encoding'))
    }
  })

  it('takes a client that went away for one that sent no JSON', async () => {
    const gone = async () => {
      throw Object.assign(new Error('gone'), { code: 'client_aborted' })
    }
    expect(await receiveBody(gone, {}, LIMIT)).toEqual(refused('invalid_json', true))
  })

  it('throws on whatever else goes wrong', async () => {
    const broken = new Error('disk full')
    await expect(async () => receiveBody(() => Promise.reject(broken), {}, LIMIT)).rejects.toBe(broken)
    const throwing = () => {
      throw broken
    }
    await expect(async () => receiveBody(throwing, {}, LIMIT)).rejects.toBe(broken)
    for (const given of [5, true, Symbol('body')]) {
      await expect(async () => receiveBody(() => given, {}, LIMIT)).rejects.toThrow(TypeError)
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
          const received = await receiveBody(body, { 'content-encoding': encoding }, LIMIT)
          if (bytes.length > LIMIT) expect(received).toEqual(refused('payload_too_large', isRead))
        },
      ),
    )
  })
})

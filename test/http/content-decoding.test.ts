import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  brotliCompressSync,
  constants,
  createDeflate,
  deflateRawSync,
  deflateSync,
  gzipSync,
} from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { knownCodings, parseContentEncoding } from '../../src/http/content-coding.ts'
import { type DecodingFailure, decodeContent } from '../../src/http/content-decoding.ts'
import { createTurns, type Turns } from '../../src/http/turns.ts'
import type { Awaitable } from '../../src/runtime/awaitable.ts'
import { systemClock } from '../../src/runtime/clock.ts'

const LIMIT = 512_000
const text = Buffer.from(
  JSON.stringify({ batch: Array.from({ length: 100 }, (_, i) => ({ type: 'track', i })) }),
)
const newTurns = () => createTurns({ atOnce: 2, patienceMs: 60_000, clock: systemClock })

function decode(
  bytes: Uint8Array,
  encoding: string,
  maxBytes: number,
  turns: Turns = newTurns(),
  hold: (bytes: number) => boolean = () => true,
): Awaitable<Uint8Array | DecodingFailure> {
  const coding = parseContentEncoding(encoding)
  if (coding === null || coding === 'unsupported') throw new Error(`${encoding} is no single coding`)
  return decodeContent(
    bytes,
    coding,
    { maxBytes, turns, hold, whose: () => ({ key: 'wk_a', sender: 'one' }) },
    (content) => Buffer.from(content),
  )
}

const encoders = {
  gzip: gzipSync,
  'x-gzip': gzipSync,
  deflate: deflateSync,
  'raw deflate': deflateRawSync,
  br: brotliCompressSync,
} as const
const cases = Object.entries(encoders).map(
  ([name, encode]) =>
    [name, name.replace('raw ', ''), encode] as [string, string, (bytes: Uint8Array) => Buffer],
)

describe('decodeContent', () => {
  it.each(cases)('undoes %s, in any case', async (_, encoding, encode) => {
    for (const spelling of [encoding, encoding.toUpperCase(), ` ${encoding} `]) {
      expect(await decode(encode(text), spelling, LIMIT)).toEqual(text)
    }
    expect(await decode(encode(Buffer.alloc(0)), encoding, LIMIT)).toHaveLength(0)
  })

  it.each(cases)('allows %s exactly up to the limit', async (_, encoding, encode) => {
    expect(await decode(encode(text), encoding, text.length)).toEqual(text)
    expect(await decode(encode(text), encoding, text.length - 1)).toBe('too_large')
    expect(await decode(encode(text), encoding, 0)).toBe('too_large')
  })

  it.each(cases)('calls %s corrupt when it ends early or goes on afterwards', async (_, encoding, encode) => {
    const encoded = encode(text)
    for (const cut of [1, 2, 5, encoded.length >> 1, encoded.length]) {
      expect(await decode(encoded.subarray(0, encoded.length - cut), encoding, LIMIT)).toBe('corrupt')
    }
    for (const tail of ['g', 'garbage', '{"type":"identify"}', 'x'.repeat(100_000)]) {
      const bytes = Buffer.concat([encoded, Buffer.from(tail)])
      expect(await decode(bytes, encoding, LIMIT)).toBe('corrupt')
    }
    expect(await decode(text, encoding, LIMIT)).toBe('corrupt')
  })

  it('takes zeros behind a gzip for padding, and nothing behind the zeros', async () => {
    const long = Buffer.alloc(400_000, 'ab')
    const halves = Buffer.concat([gzipSync(text.subarray(0, 9)), gzipSync(text.subarray(9))])
    for (const [encoded, content] of [
      [gzipSync(text), text],
      [halves, text],
      [gzipSync(long, { level: 0 }), long],
    ] as const) {
      for (const zeros of [1, 3, 512]) {
        const padded = Buffer.concat([encoded, Buffer.alloc(zeros)])
        // `toEqual` looks at each byte by itself.
        expect(content.equals((await decode(padded, 'gzip', LIMIT)) as Buffer)).toBe(true)
        for (const junk of [' ', 'junk', '{"type":"identify"}'])
          expect(await decode(Buffer.concat([padded, Buffer.from(junk)]), 'gzip', LIMIT)).toBe('corrupt')
      }
    }
  })

  it('counts all members of a gzip', async () => {
    const members = Buffer.concat(Array.from({ length: 10 }, () => gzipSync(Buffer.alloc(1000, 'a'))))
    expect(await decode(members, 'gzip', 10_000)).toHaveLength(10_000)
    expect(await decode(members, 'gzip', 9_999)).toBe('too_large')
  })

  it('is busy when there is no room for what comes out', async () => {
    for (const [encoding, size] of [
      ['gzip', 1_000],
      ['gzip', 900_000],
      ['br', 1_000],
    ] as const) {
      const encoded = encoders[encoding](Buffer.alloc(size, 'a'))
      let room = size - 1
      const hold = (bytes: number) => {
        if (bytes > room) return false
        room -= bytes
        return true
      }
      expect(await decode(encoded, encoding, 1e6, newTurns(), hold)).toBe('busy')
      room = size
      expect(await decode(encoded, encoding, 1e6, newTurns(), hold)).toHaveLength(size)
      expect(room).toBe(0)
    }
  })

  it.each([
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
  ])('decodes little %s at once, and does not keep it waiting for what is large', async (coding, encode) => {
    const turns = newTurns()
    const large = gzipSync(Buffer.alloc(3_000_000))
    const done: string[] = []
    const waiting = Array.from({ length: 20 }, async () => {
      expect(await decode(large, 'gzip', 4_000_000, turns)).toHaveLength(3_000_000)
      done.push('large')
    })
    expect(decode(encode(text), coding, 4_000_000, turns)).toEqual(text)
    expect(decode(encode(Buffer.from('{}')), coding, 4_000_000, turns)).toEqual(Buffer.from('{}'))
    expect(done).toEqual([])
    await Promise.all(waiting)
  })

  it('has ended its turn when it hands on the result, or a failure', async () => {
    const turns = createTurns({ atOnce: 1, patienceMs: 60_000, clock: systemClock })
    for (const bytes of [brotliCompressSync(text), brotliCompressSync(text).subarray(9)]) {
      await decode(bytes, 'br', LIMIT, turns)
      expect(turns.take({ key: 'wk_b', sender: 'other' })).toBe(true)
      turns.end()
    }
  })

  it.runIf(knownCodings().includes('zstd'))('undoes zstd where the runtime has it', async () => {
    const { zstdCompressSync } = process.getBuiltinModule('node:zlib') as unknown as {
      zstdCompressSync(bytes: Uint8Array): Buffer
    }
    const encoded = zstdCompressSync(text)
    expect(await decode(encoded, 'zstd', LIMIT)).toEqual(text)
    expect(await decode(encoded, 'ZSTD', text.length - 1)).toBe('too_large')
    expect(await decode(encoded.subarray(0, -3), 'zstd', LIMIT)).toBe('corrupt')
  })

  it.each([
    ['deflate blocks', 'deflate', Buffer.from([0, 0, 0, 0xff, 0xff]), deflateRawSync('{}')],
    ['gzip members', 'gzip', gzipSync(''), gzipSync('{}')],
  ])('refuses many %s that hold nothing, whatever follows them', async (_, coding, nothing, content) => {
    const padded = (bytes: number) =>
      Buffer.concat([...Array(Math.floor(bytes / nothing.length)).fill(nothing), content])
    for (const little of [1_000, 50_000]) {
      expect(Buffer.from((await decode(padded(little), coding, LIMIT)) as Uint8Array).toString()).toBe('{}')
    }
    // A processor would be busy with these for a second, and nobody would be charged.
    expect(await decode(padded(3_900_000), coding, LIMIT)).toBe('corrupt')
  })

  it.each(cases)(
    'gives back %s of several slices, and refuses what follows it',
    async (_, coding, encode) => {
      for (const content of [randomBytes(400_000), Buffer.alloc(400_000, 'event')]) {
        const encoded = encode(content)
        expect(content.equals((await decode(encoded, coding, LIMIT)) as Uint8Array)).toBe(true)
        const followed = Buffer.concat([encoded, Buffer.alloc(200_000, 1)])
        expect(await decode(followed, coding, LIMIT)).toBe('corrupt')
      }
    },
  )

  it('takes what is flushed after every event, however short', async () => {
    const deflating = createDeflate()
    const pieces: Buffer[] = []
    deflating.on('data', (piece) => pieces.push(piece))
    const events = Array.from({ length: 10_000 }, (_, index) => `{"i":${index % 10}},`)
    for (const event of events) {
      deflating.write(event)
      await new Promise<void>((done) => deflating.flush(constants.Z_SYNC_FLUSH, done))
    }
    deflating.end()
    await once(deflating, 'end')
    const encoded = Buffer.concat(pieces)
    expect(encoded.length).toBeGreaterThan(65_536)
    expect(Buffer.from((await decode(encoded, 'deflate', LIMIT)) as Uint8Array).toString()).toBe(
      events.join(''),
    )
  })

  it('gives back whatever was encoded, and never throws over what was not', async () => {
    const encodings = fc.constantFrom('gzip', 'deflate', 'br')
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 300 }),
        fc.constantFrom(...cases),
        async (bytes, [, encoding, encode]) => {
          expect(await decode(encode(bytes), encoding, LIMIT)).toEqual(Buffer.from(bytes))
        },
      ),
    )
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), encodings, async (bytes, encoding) => {
        const decoded = await decode(bytes, encoding, LIMIT)
        if (typeof decoded === 'string') expect(['corrupt', 'too_large']).toContain(decoded)
      }),
    )
  })
})

describe('50 bombs of the largest brotli window at once', () => {
  it('are too large, and leave nobody waiting', async () => {
    const bomb = brotliCompressSync(Buffer.alloc(2 * LIMIT), {
      params: { [constants.BROTLI_PARAM_QUALITY]: 3, [constants.BROTLI_PARAM_LGWIN]: 24 },
    })
    const turns = newTurns()
    const decoded = await Promise.all(Array.from({ length: 50 }, () => decode(bomb, 'br', LIMIT, turns)))
    expect(new Set(decoded)).toEqual(new Set(['too_large']))
    expect(await decode(brotliCompressSync(text), 'br', LIMIT, turns)).toEqual(text)
  })
})

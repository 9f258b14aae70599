import { once } from 'node:events'
import {
  brotliCompressSync,
  createBrotliCompress,
  createDeflate,
  createGzip,
  deflateRawSync,
  deflateSync,
  gzipSync,
} from 'node:zlib'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { decodeContent } from '../../src/http/content-decoding.ts'

const LIMIT = 512_000
const text = Buffer.from(
  JSON.stringify({ batch: Array.from({ length: 100 }, (_, i) => ({ type: 'track', i })) }),
)
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
  it('hands back the bytes themselves, at once, where there is no coding', () => {
    for (const encoding of [undefined, '', 'identity', 'Identity', ' identity ']) {
      expect(decodeContent(text, encoding, LIMIT)).toBe(text)
    }
    expect(decodeContent(text, undefined, text.length - 1)).toBe('too_large')
  })

  it.each(cases)('undoes %s, in any case', async (_, encoding, encode) => {
    for (const spelling of [encoding, encoding.toUpperCase(), ` ${encoding} `]) {
      expect(await decodeContent(encode(text), spelling, LIMIT)).toEqual(text)
    }
    expect(await decodeContent(encode(Buffer.alloc(0)), encoding, LIMIT)).toHaveLength(0)
  })

  it.each(cases)('allows %s exactly up to the limit', async (_, encoding, encode) => {
    expect(await decodeContent(encode(text), encoding, text.length)).toEqual(text)
    expect(await decodeContent(encode(text), encoding, text.length - 1)).toBe('too_large')
    expect(await decodeContent(encode(text), encoding, 0)).toBe('too_large')
  })

  it.each(cases)('calls %s corrupt when it ends early or goes on afterwards', async (_, encoding, encode) => {
    const encoded = encode(text)
    for (const cut of [1, 2, 5, encoded.length >> 1, encoded.length]) {
      expect(await decodeContent(encoded.subarray(0, encoded.length - cut), encoding, LIMIT)).toBe('corrupt')
    }
    for (const tail of ['g', 'garbage', '{"type":"identify"}', 'x'.repeat(100_000)]) {
      const bytes = Buffer.concat([encoded, Buffer.from(tail)])
      expect(await decodeContent(bytes, encoding, LIMIT)).toBe('corrupt')
    }
    expect(await decodeContent(text, encoding, LIMIT)).toBe('corrupt')
  })

  it('does not know stacked and other codings', () => {
    for (const encoding of [
      'gzip, gzip',
      'gzip,br',
      'identity, gzip',
      'compress',
      'zstd',
      'gzip;q=1',
      'constructor',
    ]) {
      expect(decodeContent(text, encoding, LIMIT)).toBe('unsupported')
    }
  })

  it('counts all members of a gzip', async () => {
    const members = Buffer.concat(Array.from({ length: 10 }, () => gzipSync(Buffer.alloc(1000, 'a'))))
    expect(await decodeContent(members, 'gzip', 10_000)).toHaveLength(10_000)
    expect(await decodeContent(members, 'gzip', 9_999)).toBe('too_large')
  })

  it('gives back whatever was encoded, and never throws over what was not', async () => {
    const encodings = fc.constantFrom('gzip', 'deflate', 'br')
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 300 }),
        fc.constantFrom(...cases),
        async (bytes, [, encoding, encode]) => {
          expect(await decodeContent(encode(bytes), encoding, LIMIT)).toEqual(Buffer.from(bytes))
        },
      ),
    )
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), encodings, async (bytes, encoding) => {
        const decoded = await decodeContent(bytes, encoding, LIMIT)
        if (typeof decoded === 'string') expect(['corrupt', 'too_large']).toContain(decoded)
      }),
    )
  })
})

describe('a 200 MB bomb', () => {
  const bombs = new Map<string, Buffer>()

  beforeAll(async () => {
    const encodersByName = {
      gzip: createGzip(),
      deflate: createDeflate(),
      br: createBrotliCompress({ params: { 1: 1 } }),
    }
    const megabyte = Buffer.alloc(1024 * 1024)
    await Promise.all(
      Object.entries(encodersByName).map(async ([name, encoder]) => {
        const chunks: Buffer[] = []
        encoder.on('data', (chunk: Buffer) => chunks.push(chunk))
        const ended = once(encoder, 'end')
        for (let i = 0; i < 200; i++) if (!encoder.write(megabyte)) await once(encoder, 'drain')
        encoder.end()
        await ended
        bombs.set(name, Buffer.concat(chunks))
      }),
    )
  })

  it.each(['gzip', 'deflate', 'br'])(
    'is too large in %s, and takes less than 20 MB to find out',
    async (encoding) => {
      const bomb = bombs.get(encoding) as Buffer
      expect(bomb.length).toBeLessThan(LIMIT)
      // Once before measuring, so that what zlib loads and allocates for good does not count.
      expect(await decodeContent(bomb, encoding, LIMIT)).toBe('too_large')
      const before = process.memoryUsage()
      let peakBuffers = 0
      for (let i = 0; i < 5; i++) {
        const decoding = decodeContent(bomb, encoding, LIMIT)
        const sampler = setInterval(() => {
          peakBuffers = Math.max(peakBuffers, process.memoryUsage().arrayBuffers)
        }, 0)
        expect(await decoding).toBe('too_large')
        clearInterval(sampler)
        peakBuffers = Math.max(peakBuffers, process.memoryUsage().arrayBuffers)
      }
      expect(peakBuffers - before.arrayBuffers).toBeLessThan(20e6)
      expect(process.memoryUsage().rss - before.rss).toBeLessThan(20e6)
    },
  )
})

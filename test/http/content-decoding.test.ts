import { once } from 'node:events'
import type { Transform } from 'node:stream'
import {
  brotliCompressSync,
  constants,
  createBrotliCompress,
  createDeflate,
  createGzip,
  deflateRawSync,
  deflateSync,
  gzipSync,
} from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
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
  const megabyte = Buffer.alloc(1024 * 1024)

  async function buildBomb(encoder: Transform): Promise<Buffer> {
    const chunks: Buffer[] = []
    encoder.on('data', (chunk: Buffer) => chunks.push(chunk))
    const ended = once(encoder, 'end')
    for (let i = 0; i < 200; i++) if (!encoder.write(megabyte)) await once(encoder, 'drain')
    encoder.end()
    await ended
    const bomb = Buffer.concat(chunks)
    expect(bomb.length).toBeLessThan(LIMIT)
    return bomb
  }

  const brotli = (windowBits: number) =>
    createBrotliCompress({
      params: { [constants.BROTLI_PARAM_QUALITY]: 3, [constants.BROTLI_PARAM_LGWIN]: windowBits },
    })

  /** How far the process grew, in bytes, and how far its buffers did at most, while `decode` ran. */
  async function measureGrowth(decode: () => Promise<void>) {
    const before = process.memoryUsage()
    let peakBuffers = before.arrayBuffers
    const sampler = setInterval(() => {
      peakBuffers = Math.max(peakBuffers, process.memoryUsage().arrayBuffers)
    }, 0)
    await decode()
    clearInterval(sampler)
    const after = process.memoryUsage()
    return {
      rss: after.rss - before.rss,
      buffers: Math.max(peakBuffers, after.arrayBuffers) - before.arrayBuffers,
    }
  }

  it.each([
    ['gzip', createGzip],
    ['deflate', createDeflate],
    ['br', () => brotli(16)],
  ] as const)(
    'is too large in %s, and takes less than 20 MB to find out',
    async (encoding, createEncoder) => {
      const bomb = await buildBomb(createEncoder())
      // Once before measuring, so that what zlib loads and allocates for good does not count.
      expect(await decodeContent(bomb, encoding, LIMIT)).toBe('too_large')
      const growth = await measureGrowth(async () => {
        for (let i = 0; i < 5; i++) expect(await decodeContent(bomb, encoding, LIMIT)).toBe('too_large')
      })
      expect(growth.buffers).toBeLessThan(20e6)
      expect(growth.rss).toBeLessThan(20e6)
    },
  )

  it('claims the largest brotli window no more than four times, however many arrive at once', async () => {
    const bomb = await buildBomb(brotli(24))
    const growth = await measureGrowth(async () => {
      const decoded = await Promise.all(Array.from({ length: 50 }, () => decodeContent(bomb, 'br', LIMIT)))
      expect(new Set(decoded)).toEqual(new Set(['too_large']))
    })
    expect(growth.rss).toBeLessThan(200e6)
    // Nobody is left waiting, and a turn is free again.
    expect(await decodeContent(brotliCompressSync(text), 'br', LIMIT)).toEqual(text)
  })
})

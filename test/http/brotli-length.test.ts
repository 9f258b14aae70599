import { brotliCompressSync, brotliDecompressSync, constants, createBrotliCompress } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { brotliLengthOf } from '../../src/http/brotli-length.ts'

const encode = (bytes: Uint8Array, quality: number, windowBits: number) =>
  brotliCompressSync(bytes, {
    params: { [constants.BROTLI_PARAM_QUALITY]: quality, [constants.BROTLI_PARAM_LGWIN]: windowBits },
  })

describe('brotliLengthOf', () => {
  it('tells the length of what encoders make of a short text, whatever their window', () => {
    for (const text of [
      '',
      '{}',
      '{"type":"track"}',
      JSON.stringify(Array.from({ length: 900 }, (_, i) => i)),
    ])
      for (let windowBits = 10; windowBits <= 24; windowBits++)
        for (const quality of [1, 4, 11]) {
          const bytes = encode(Buffer.from(text), quality, windowBits)
          const length = brotliLengthOf(bytes)
          // In one part, unless the window or a fast encoder takes less at a time.
          if (text.length < 1_000)
            expect([windowBits, quality, length]).toEqual([windowBits, quality, text.length])
          else expect([text.length, undefined]).toContain(length)
        }
  })

  it('sees what a bomb claims, and says nothing of what only a decoder can tell', async () => {
    const bomb = encode(Buffer.alloc(20_000_000), 5, 24)
    expect(bomb.length).toBeLessThan(200)
    expect(brotliLengthOf(bomb) ?? Infinity).toBeGreaterThan(16_000_000)
    const flushed = createBrotliCompress()
    flushed.write('{"type":"track","event":"one one one one one one one one one"}')
    await new Promise<void>((resolve) => flushed.flush(resolve))
    flushed.end('{}')
    expect(brotliLengthOf(Buffer.concat(await flushed.toArray()))).toBeUndefined()
  })

  it('is never less than what a decoder makes of any bytes', () => {
    const firstBytes = fc.constantFrom(0x0b, 0x1b, 0x83, 0x8b, 0x21, 0xa1, 0x06, 0x3b)
    fc.assert(
      fc.property(firstBytes, fc.uint8Array({ maxLength: 300 }), (first, rest) => {
        const bytes = Buffer.from([first, ...rest])
        const length = brotliLengthOf(bytes)
        if (length === undefined) return
        try {
          expect(brotliDecompressSync(bytes, { maxOutputLength: 100_000 }).length).toBeLessThanOrEqual(length)
        } catch (error) {
          // Most are no brotli at all.
          expect(error).toHaveProperty('code')
        }
      }),
    )
  })
})

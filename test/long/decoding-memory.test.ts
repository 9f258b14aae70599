import { once } from 'node:events'
import type { Transform } from 'node:stream'
import { constants, createBrotliCompress, createDeflate, createGzip, gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { ContentCoding } from '../../src/http/content-coding.ts'
import { decodeContent } from '../../src/http/content-decoding.ts'
import { createTurns } from '../../src/http/turns.ts'
import { systemClock } from '../../src/runtime/clock.ts'

const limit = 512_000
const megabyte = Buffer.alloc(1024 * 1024)

const newTurns = () => createTurns({ atOnce: 2, patienceMs: 60_000, clock: systemClock })

/** The length only: copies would count as buffers, too. */
function decode(bytes: Uint8Array, coding: ContentCoding, turns = newTurns()) {
  return decodeContent(
    bytes,
    coding,
    { maxBytes: limit, turns, hold: () => true, whose: () => ({ key: 'wk_a', sender: 'one' }) },
    (content) => content.length,
  )
}

async function buildBomb(encoder: Transform): Promise<Buffer> {
  const chunks: Buffer[] = []
  encoder.on('data', (chunk: Buffer) => chunks.push(chunk))
  const ended = once(encoder, 'end')
  for (let i = 0; i < 200; i++) if (!encoder.write(megabyte)) await once(encoder, 'drain')
  encoder.end()
  await ended
  const bomb = Buffer.concat(chunks)
  expect(bomb.length).toBeLessThan(limit)
  return bomb
}

const brotli = (windowBits: number) =>
  createBrotliCompress({
    params: { [constants.BROTLI_PARAM_QUALITY]: 3, [constants.BROTLI_PARAM_LGWIN]: windowBits },
  })

/** How far the process and its buffers grew at most while `run` ran, in bytes. */
async function measureGrowth(run: () => Promise<void>) {
  const before = process.memoryUsage()
  const peak = { ...before }
  function look(): void {
    const { rss, arrayBuffers } = process.memoryUsage()
    peak.rss = Math.max(peak.rss, rss)
    peak.arrayBuffers = Math.max(peak.arrayBuffers, arrayBuffers)
  }
  const sampler = setInterval(look, 0)
  await run()
  clearInterval(sampler)
  look()
  return { rss: peak.rss - before.rss, buffers: peak.arrayBuffers - before.arrayBuffers }
}

describe('a 200 MB bomb', () => {
  it.each([
    ['gzip', createGzip],
    ['deflate', createDeflate],
    ['br', () => brotli(16)],
  ] as const)('is too large in %s, and takes less than 20 MB to find out', async (coding, createEncoder) => {
    const bomb = await buildBomb(createEncoder())
    // Once before measuring, so that what zlib loads and allocates for good does not count.
    expect(await decode(bomb, coding)).toBe('too_large')
    const growth = await measureGrowth(async () => {
      for (let i = 0; i < 5; i++) expect(await decode(bomb, coding)).toBe('too_large')
    })
    expect(growth.buffers).toBeLessThan(20e6)
    expect(growth.rss).toBeLessThan(20e6)
  })

  it('claims the largest brotli window no more than twice, however many arrive at once', async () => {
    const bomb = await buildBomb(brotli(24))
    const turns = newTurns()
    const growth = await measureGrowth(async () => {
      const decoded = await Promise.all(Array.from({ length: 50 }, () => decode(bomb, 'br', turns)))
      expect(new Set(decoded)).toEqual(new Set(['too_large']))
    })
    // All at once they take more than 800 MB.
    expect(growth.rss).toBeLessThan(200e6)
  })
})

describe('a body that fits', () => {
  it('takes no more buffers 300 times at once than a few times', async () => {
    const body = gzipSync(Buffer.alloc(limit, ' '))
    expect(body.length).toBeLessThan(600)
    const turns = newTurns()
    const growth = await measureGrowth(async () => {
      const lengths = await Promise.all(Array.from({ length: 300 }, () => decode(body, 'gzip', turns)))
      expect(new Set(lengths)).toEqual(new Set([limit]))
    })
    // All at once they are 150 MB.
    expect(growth.buffers).toBeLessThan(60e6)
  })
})

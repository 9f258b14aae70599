import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { length } from './length.ts'
import { sendPaced } from './paced-load.ts'
import { percentile, summarize } from './percentile.ts'
import { buildProgram, type Program } from './processes/spawn.ts'

const megabyte = 1_048_576
const bombs = length(1_500, 600)
const honestMs = length(20_000, 2_500)
const blanks = (bytes: number) => Buffer.alloc(bytes, 32)

describe(`${bombs} small bombs at once`, () => {
  let serving: Program
  let bombing: Program
  beforeAll(async () => {
    serving = await buildProgram('bombed-server')
    bombing = await buildProgram('bomber')
  })
  afterAll(() => {
    serving.remove()
    bombing.remove()
  })

  it.each([
    ['gzip', 512_000, gzipSync],
    ['gzip', 4_000_000, gzipSync],
    ['deflate', 4_000_000, deflateSync],
    ['br', 4_000_000, brotliCompressSync],
  ] as const)(
    'in %s, of %d bytes each, take less than 100 MB and keep nobody waiting',
    async (coding, size, compress) => {
      const server = await serving.start({ maxBodyBytes: size })
      const sender = await bombing.start({})
      try {
        const port = await server.ask<number>({ type: 'listen' })
        const bomber = await server.ask<string>({ type: 'createKey' })
        const honest = await server.ask<string>({ type: 'createKey' })
        const bomb = compress(blanks(size))
        const aim = (body: Buffer) =>
          sender.ask<void>({
            type: 'open',
            port,
            secret: bomber,
            coding,
            body: body.toString('base64'),
            count: bombs,
          })
        const fire = () => sender.ask<Record<string, number>>({ type: 'fire' })
        const honest50 = () =>
          sendPaced({
            port,
            secrets: [honest],
            perSecond: 50,
            durationMs: honestMs,
            body: gzipSync('{"type":"track","event":"Seen"}'),
            coding: 'gzip',
          })
        // As many harmless ones first: connections, code and a heap to work in take memory and time anyway.
        const harmless = compress(Buffer.from('{}'))
        await aim(harmless)
        const [calm] = await Promise.all([honest50(), fire()])
        const before = await server.ask<number>({ type: 'watchMemory' })
        await aim(bomb)
        const [load, statuses] = await Promise.all([honest50(), fire()])
        const added = ((await server.ask<number>({ type: 'peakMemory' })) - before) / megabyte
        console.log(
          `${coding}, ${bomb.length} bytes to ${size}: ${added.toFixed(0)} MB added; ` +
            `bombs ${JSON.stringify(statuses)}; others ${summarize(load.latencies)}; ` +
            `beside harmless ones ${summarize(calm.latencies)}`,
        )
        expect(load.statuses).toEqual({ 200: load.latencies.length })
        // The figure is of a quiet machine. One with much else to do is slow with the harmless ones as well.
        const most = Math.max(length(250, 1_000), length(3, 6) * percentile(calm.latencies, 0.99))
        expect(percentile(load.latencies, 0.99)).toBeLessThan(most)
        expect(Object.keys(statuses).filter((status) => !['400', '503'].includes(status))).toEqual([])
        expect(statuses[400]).toBeGreaterThan(0)
        expect(added).toBeLessThan(100)
      } finally {
        await server.kill()
        await sender.kill()
      }
    },
  )
})

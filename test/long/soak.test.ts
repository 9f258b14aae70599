import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { runLoad } from '../../bench/load.ts'
import { useFolder } from '../stores/sql/databases.ts'
import { length } from './length.ts'
import { buildProgram, type Program } from './processes/spawn.ts'
import { createTraffic } from './soak-traffic.ts'

const livingKeys = 100
const sliceMs = length(10_000, 1_000)
const slices = length(60, 16)
/** How many samples are printed: every third of a long run. */
const printedEvery = length(3, 1)
/** One change of a key in so many milliseconds; every second one makes a new key. */
const changeEveryMs = 200
/**
 * What the heap may gain per minute over the second half: a tenth of what 180 000 requests would leave if each left its
 * smallest object. A short run is mostly noise, and its caches still fill.
 */
const mostBytesPerMinute = length(1_000_000, 25_000_000)

interface Sample {
  minutes: number
  used: number
}

let program: Program
beforeAll(async () => {
  program = await buildProgram('soak-server')
})
afterAll(() => program?.remove())
const folder = useFolder()

it('keeps its memory under full load while keys and senders come and go', async () => {
  const token = 'soak-soak-soak-soak-soak-soak-soak'
  const server = await program.start({
    url: `sqlite:${join(folder, 'soak.db')}`,
    token,
    // Less than there are keys, so that some are always pushed out.
    maxKeys: livingKeys - 5,
  })
  try {
    const port = await server.ask<number>({ type: 'listen' })
    const traffic = createTraffic(port, token, livingKeys)
    await traffic.fill()
    const statuses: Record<string, number> = {}
    const samples: Sample[] = []
    let requests = 0
    const startedAt = performance.now()
    for (let slice = 1; slice <= slices; slice++) {
      const endsAt = performance.now() + sliceMs
      const churn = async () => {
        for (let dueAt = performance.now(); dueAt < endsAt; dueAt += changeEveryMs) {
          await new Promise((resolve) => setTimeout(resolve, dueAt - performance.now()))
          await traffic.change()
        }
      }
      const [load] = await Promise.all([
        runLoad({ port, request: traffic.next, connections: 32, durationMs: sliceMs }),
        churn(),
      ])
      requests += load.answered
      for (const [status, count] of Object.entries(load.statuses)) {
        statuses[status] = (statuses[status] ?? 0) + count
      }
      const { used, rss, storeErrors } = await server.ask<{ used: number; rss: number; storeErrors: number }>(
        { type: 'memory' },
      )
      expect(storeErrors).toBe(0)
      const minutes = (performance.now() - startedAt) / 60_000
      samples.push({ minutes, used })
      if (slice % printedEvery === 0) {
        console.log(
          `${Math.round(minutes * 60)} s: heap ${megabytes(used)} after GC, resident ${megabytes(rss)}, ${requests} requests, ${traffic.changes.created} keys made`,
        )
      }
    }
    const slope = slopeOf(samples.slice(samples.length / 2))
    console.log(
      `heap over the second half: ${megabytes(slope)} more per minute; answers ${JSON.stringify(statuses)}; changes ${JSON.stringify(traffic.changes)}`,
    )
    // Whatever was asked, was asked often, and nothing broke.
    expect(Object.keys(statuses)).toEqual(['200', '400', '401', '403', '429'])
    expect(statuses['200']).toBeGreaterThan(requests / 2)
    expect(Math.min(...Object.values(traffic.changes))).toBeGreaterThan(0)
    expect(slope).toBeLessThan(mostBytesPerMinute)
  } finally {
    await server.kill()
  }
})

/** Bytes per minute, by least squares. */
function slopeOf(samples: readonly Sample[]): number {
  const mean = (field: keyof Sample) => samples.reduce((sum, one) => sum + one[field], 0) / samples.length
  const [minutes, used] = [mean('minutes'), mean('used')]
  let covariance = 0
  let variance = 0
  for (const one of samples) {
    covariance += (one.minutes - minutes) * (one.used - used)
    variance += (one.minutes - minutes) ** 2
  }
  return covariance / variance
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(2)} MB`
}

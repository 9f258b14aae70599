import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'tsdown'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type FleetReport, runFleet } from '../../bench/redis-fleet.ts'
import { describeWithService } from '../services.ts'
import { length } from './length.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const seconds = length(20, 3)
/** What processes hold when the time is up counts more in a short run. */
const least = length(0.95, 0.9)
/** Sixteen processes take a machine of their own: a short campaign does with them once, in the last test. */
const sizes = length([4, 16], [4])
const loads = length(
  [
    [1_000, 1],
    [10, 1],
    [1_000, 100],
  ],
  [[1_000, 1]],
)

describeWithService('redis', 'a fleet of processes with one key', (url) => {
  let folder: string
  beforeAll(async () => {
    // Below the packages, so that the processes find them.
    mkdirSync(join(root, '.data'), { recursive: true })
    folder = mkdtempSync(join(root, '.data', 'fleet-'))
    await build({
      config: false,
      logLevel: 'warn',
      entry: [join(root, 'test/long/redis-sender-process.ts')],
      outDir: folder,
      format: 'esm',
      platform: 'node',
      fixedExtension: false,
      dts: false,
      deps: { skipNodeModulesBundle: true },
    })
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  function overload(
    mode: 'leased' | 'strict',
    eps: number,
    cost: number,
    shares: number[],
  ): Promise<FleetReport> {
    return runFleet(join(folder, 'redis-sender-process.js'), {
      url,
      mode,
      rate: { eps, burst: eps },
      offeredEps: shares.map((share) => 3 * eps * share),
      cost,
      seconds,
      skewMs: 300_000,
    })
  }

  for (const mode of ['leased', 'strict'] as const) {
    for (const processes of sizes) {
      for (const [eps, cost] of loads as [number, number][]) {
        it(`keeps to ${eps} eps over ${processes} processes in requests of ${cost} (${mode})`, async () => {
          const fleet = await overload(mode, eps, cost, Array(processes).fill(1 / processes))
          expect(fleet.errors).toBe(0)
          expect(fleet.admitted).toBeLessThanOrEqual(fleet.limit + fleet.excess)
          // A batch that does not fit any more is no loss.
          expect(fleet.admitted).toBeGreaterThanOrEqual(least * fleet.limit - 2 * cost)
        })
      }
    }
  }

  it('uses the rate when one process has nearly all of the traffic', async () => {
    const fleet = await overload('leased', 1_000, 1, [0.95, ...Array(15).fill(0.05 / 15)])
    expect(fleet.admitted).toBeLessThanOrEqual(fleet.limit + fleet.excess)
    expect(fleet.admitted).toBeGreaterThanOrEqual((least - length(0.02, 0.04)) * fleet.limit)
  })
})

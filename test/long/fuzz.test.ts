import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { open, run, type Target } from './fuzz/campaign.ts'
import { smallest } from './fuzz/smallest.ts'
import { length } from './length.ts'

// The same requests in each short run; others in each full one.
const seed = Number(process.env.FUZZ_SEED ?? length(Date.now(), 1))
const count = Number(process.env.FUZZ_COUNT ?? length(1_000_000, 20_000))
const shownDifferences = 5
const timeoutMs = 3 * 3_600_000

describe(`${count} requests over raw sockets (FUZZ_SEED=${seed})`, () => {
  let opened: { targets: Target[]; close(): Promise<void> }
  beforeAll(async () => {
    opened = await open(seed)
  })
  afterAll(() => opened?.close())

  it(
    'are accepted, refused and handed on as an independent reading of the contract says',
    async () => {
      const result = await run(opened.targets, seed, count)
      const { sent, accepted, open, disturbed, answers } = result
      console.info(`${sent} sent, ${accepted} accepted, ${open} left open, ${disturbed} sent twice`, answers)
      const shown: string[] = []
      for (const difference of result.differences.slice(0, shownDifferences))
        shown.push(await smallest(difference))
      expect(shown).toEqual([])
      const statuses = [...answers.keys()].map((answer) => answer.slice(0, 3))
      expect(statuses.filter((status) => status.startsWith('5'))).toEqual([])
      // Enough of them pass, and little is left open.
      expect(accepted).toBeGreaterThan(sent / 10)
      expect(open).toBeLessThan(sent / 50)
      expect(disturbed).toBeLessThan(sent / 100)
    },
    timeoutMs,
  )
})

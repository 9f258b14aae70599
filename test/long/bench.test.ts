import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { describeWithService } from '../services.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** The first run builds the package, for the others as well. */
let isBuilt = false

/** A run too short for figures: that each part still ends well, and has found what it compares to give the same answers. */
async function expectRows(parts: Record<string, string>, env: Record<string, string> = {}): Promise<void> {
  const { stdout } = await promisify(execFile)(process.execPath, ['bench/run.mjs', ...Object.keys(parts)], {
    cwd: root,
    env: { ...process.env, ...env, ...(isBuilt && { BENCH_BUILD: 'kept' }), LONG: 'smoke' },
  })
  isBuilt = true
  for (const [part, row] of Object.entries(parts))
    expect(stdout).toMatch(new RegExp(`^${part} +${row}.*\\d`, 'm'))
}

describe('the benchmarks', () => {
  it('still run', () =>
    expectRows({
      verify: 'verify, every rule, 1,000 senders / floor',
      http: 'Nest: writekey / Nest alone',
      flood: 'good keys found in the cache',
      import: 'import of writekey/express',
    }))
})

describeWithService('postgres', 'the benchmark of stores', (address) => {
  it('still runs', () => expectRows({ store: 'miss, ' }, { WRITEKEY_TEST_POSTGRES: address }))
})

describeWithService('redis', 'the benchmark of the Redis limiter', (address) => {
  it('still runs', () => expectRows({ redis: 'Express: leased limiter' }, { WRITEKEY_TEST_REDIS: address }))
})

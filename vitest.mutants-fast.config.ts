import { existsSync, readFileSync, rmSync } from 'node:fs'
import { defineConfig } from 'vitest/config'
import { type Instrumented, instrument, type Outcome, outcomeFile } from './test/mutants/instrument.ts'
import base from './vitest.mutants.config.ts'

/**
 * `npm run mutants:fast`: Stryker's mutants, tried in the process of the tests. `MUTANTS` are the sources, `MUTANTS_TESTS` the
 * tests. Prints the survivors and a line for each file.
 */
const sources = process.env.MUTANTS ?? 'src/keys,src/rules,src/verifier,src/cache,src/limits'
const instrumented = await instrument(sources.split(','))
rmSync(outcomeFile, { force: true })

export default defineConfig({
  ...base,
  plugins: [
    {
      name: 'mutants',
      enforce: 'pre',
      transform: (_, id) => instrumented.sources.get(id.split('?')[0] as string) ?? null,
    },
  ],
  test: {
    ...base.test,
    runner: './test/mutants/runner.ts',
    maxWorkers: 1,
    testTimeout: 3_600_000,
    reporters: ['dot', { onTestRunEnd: () => tell(instrumented) }],
  },
})

function tell({ mutants }: Instrumented): void {
  if (!existsSync(outcomeFile)) return
  const outcome: Outcome = JSON.parse(readFileSync(outcomeFile, 'utf8'))
  const [covered, killed] = [new Set(outcome.covered), new Set(outcome.killed)]
  const survivors = mutants.filter(({ id }) => covered.has(id) && !killed.has(id))
  for (const { file, line, kind, original, replacement } of survivors)
    console.log(`${file}:${line} ${kind}\n  - ${original}\n  + ${replacement}`)
  for (const name of outcome.unused) console.log(`not repeated: ${name}`)
  for (const file of new Set(mutants.map((mutant) => mutant.file))) {
    const own = mutants.filter((mutant) => mutant.file === file && covered.has(mutant.id))
    const dead = own.filter(({ id }) => killed.has(id)).length
    const share = own.length === 0 ? '' : ` ${((100 * dead) / own.length).toFixed(1)} %`
    console.log(`${file}:${share} of ${own.length} covered mutants killed`)
  }
}

import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { sized } from './length.ts'
import { spreadOf } from './measurement.ts'
import { packageSize } from './package-size.ts'
import { report } from './report.ts'

const rounds = sized({ full: 31, short: 15, smoke: 1 })
const goalsMs = { writekey: 15, 'writekey/express': 20 }

const here = fileURLToPath(new URL('.', import.meta.url))
writeFileSync(`${here}empty.mjs`, '')
writeFileSync(`${here}empty.cjs`, '')

timeLoading('import', './empty.mjs', (name) => [
  '--input-type=module',
  '-e',
  timed(`await import(${JSON.stringify(name)})`),
])
timeLoading('require', './empty.cjs', (name) => [
  '--input-type=commonjs',
  '-e',
  timed(`require(${JSON.stringify(name)})`),
])

await packageSize()

/** In fresh processes that do nothing else, in turn with an empty module. */
function timeLoading(how: string, empty: string, argumentsFor: (name: string) => string[]): void {
  const load = (name: string) => Number(execFileSync(process.execPath, argumentsFor(name), { cwd: here }))
  const names = [empty, ...Object.keys(goalsMs)]
  // Read once before anything is timed: what counts is a start with files that the machine has read before.
  for (const name of names) load(name)
  const times = names.map((): number[] => [])
  for (let round = 0; round < rounds; round++) {
    for (let index = 0; index < names.length; index++) {
      const turn = (index + round) % names.length
      times[turn]?.push(load(names[turn] as string))
    }
  }
  const [base, ...others] = times as [number[], ...number[][]]
  Object.entries(goalsMs).forEach(([name, atMost], index) => {
    report({
      name: `${how} of ${name}, above an empty module`,
      value: spreadOf((others[index] as number[]).map((time, round) => time - (base[round] as number))),
      unit: 'ms',
      goal: { atMost },
    })
  })
}

/** Prints the milliseconds that a statement takes. */
function timed(statement: string): string {
  return `const from = performance.now(); ${statement}; console.log(performance.now() - from)`
}

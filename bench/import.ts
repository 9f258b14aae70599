import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { sized } from './length.ts'
import { spreadOf } from './measurement.ts'
import { report } from './report.ts'

const rounds = sized({ full: 31, short: 15, smoke: 1 })
const goalsMs = { writekey: 15, 'writekey/express': 20 }

const here = fileURLToPath(new URL('.', import.meta.url))
const empty = `${here}empty.mjs`
writeFileSync(empty, '')
const names = [pathToFileURL(empty).href, ...Object.keys(goalsMs)]

// Read once before anything is timed: what counts is a start with files that the machine has read before.
for (const name of names) importTime(name)
const times = names.map((): number[] => [])
for (let round = 0; round < rounds; round++) {
  for (let index = 0; index < names.length; index++) {
    const turn = (index + round) % names.length
    times[turn]?.push(importTime(names[turn] as string))
  }
}

const [base, ...others] = times as [number[], ...number[][]]
Object.entries(goalsMs).forEach(([name, atMost], index) => {
  report({
    name: `import of ${name}, above an empty module`,
    value: spreadOf((others[index] as number[]).map((time, round) => time - (base[round] as number))),
    unit: 'ms',
    goal: { atMost },
  })
})

/** Milliseconds that an import takes in a process of its own. */
function importTime(name: string): number {
  const script = `const from = performance.now(); await import(${JSON.stringify(name)}); console.log(performance.now() - from)`
  return Number(execFileSync(process.execPath, ['--input-type=module', '-e', script], { cwd: here }))
}

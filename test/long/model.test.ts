import { describe, expect, it } from 'vitest'
import { misfortunes, noFaults, slowToBreak } from '../model/misfortunes.ts'
import { allRules, type Rule, without } from '../model/rules.ts'
import { search } from '../model/search.ts'
import { type Budget, startOf } from '../model/state.ts'
import { length } from './length.ts'

interface World {
  left: Partial<Budget>
  processes?: number
  questions?: number
  leaseTicks?: number
}

const states = length(1_500_000, 60_000)

describe('the revocation protocol, in larger worlds', () => {
  const worlds: [string, World][] = [
    ['three changes', { left: { changes: 3 } }],
    ['a failover', { left: { failovers: 1 } }],
    ['a failover and three changes', { left: { failovers: 1, changes: 3 } }],
    ['a restore, and then a failover', { left: { restores: 1, failovers: 1 } }],
    ['two restores', { left: { restores: 2 } }],
    ['another file, twice', { left: { replacements: 2 } }],
    ['a failover and a crash', { left: { failovers: 1, crashes: 1 } }],
    ['clocks that stand still, and a failover', { left: { suspensions: 1, setBacks: 1, failovers: 1 } }],
    // Not both within one lease: nobody then sees how much time has passed.
    ['a lease of two ticks, and suspensions', { left: { suspensions: 2 }, leaseTicks: 2 }],
    ['a lease of two ticks, and a wall clock that is set back', { left: { setBacks: 2 }, leaseTicks: 2 }],
    ['three questions at a time', { left: {}, questions: 3 }],
    ['two processes', { left: {}, processes: 2, questions: 1 }],
    ['two processes and a failover', { left: { failovers: 1 }, processes: 2, questions: 1 }],
  ]
  it.each(worlds)('starts no handler after the call has returned: %s', (name, world) => {
    const { left, processes = 1, questions = 2, leaseTicks = 1 } = world
    const found = search(startOf(processes, { ...noFaults, ...left }), allRules, {
      leaseTicks,
      questions,
      states,
    })
    console.log(`${name}: ${found.states} states, ${found.isComplete ? 'all of them' : 'the first ones'}`)
    expect(found.violation).toBeUndefined()
  })

  // The others are part of every run of the tests: test/model.
  const rules = length(Object.keys(misfortunes) as Rule[], slowToBreak)
  it.each(rules)('is broken as soon as one rule is taken out: %s', (rule) => {
    const { left, questions } = misfortunes[rule]
    const start = startOf(1, { ...noFaults, ...left })
    const { violation = [] } = search(start, without(rule), {
      leaseTicks: 1,
      questions,
      states: 500_000,
    })
    console.log(
      `without ${rule}, in ${violation.length} steps:\n${violation.map((step) => `  ${step}\n`).join('')}`,
    )
    expect(violation.at(-1)).toContain('starts the handler')
  })
})

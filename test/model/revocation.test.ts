import { describe, expect, it } from 'vitest'
import { misfortunes, noFaults, slowToBreak } from './misfortunes.ts'
import { allRules, type Rule, without } from './rules.ts'
import { search } from './search.ts'
import { startOf } from './state.ts'

/** Small worlds, for every run of the tests; `npm run test:long -- model` looks through larger ones. */
const limits = { leaseTicks: 1, questions: 1, states: 1_000_000 }

describe('the revocation protocol', () => {
  it.each([
    ['nothing', {}],
    ['a failover to a replica that lags', { failovers: 1 }],
    ['the restoring of a dump', { restores: 1 }],
    ['another file in the place of the open one', { replacements: 1 }],
    ['crashes', { crashes: 1 }],
    ['clocks that stand still, each in its turn', { suspensions: 1, setBacks: 1 }],
  ])('starts no handler after the call has returned, through %s', (_fault, left) => {
    const found = search(startOf(1, { ...noFaults, ...left }), allRules, limits)
    expect(found.violation).toBeUndefined()
    expect(found.isComplete).toBe(true)
  })

  it('starts no handler after the call has returned, with two questions under way', () => {
    const found = search(startOf(1, noFaults), allRules, { ...limits, questions: 2 })
    expect(found).toMatchObject({ violation: undefined, isComplete: true })
  })

  const rules = (Object.keys(misfortunes) as Rule[]).filter((rule) => !slowToBreak.includes(rule))
  it.each(rules)('is broken as soon as one rule is taken out: %s', (rule) => {
    const { left, questions } = misfortunes[rule]
    const found = search(startOf(1, { ...noFaults, ...left }), without(rule), { ...limits, questions })
    expect(found.violation?.at(-1)).toContain('starts the handler')
  })
})

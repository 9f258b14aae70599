import type { Rule } from './rules.ts'
import type { Budget } from './state.ts'

export const noFaults: Budget = {
  changes: 2,
  failovers: 0,
  restores: 0,
  replacements: 0,
  suspensions: 0,
  setBacks: 0,
  crashes: 0,
}

export interface Misfortune {
  /** What has to happen for the rule to be missed. */
  readonly left: Partial<Budget>
  readonly questions: number
}

/** Rules that are missed only after so many steps that the search takes seconds. */
export const slowToBreak: Rule[] = ['order']

/** The smallest world in which each rule is missed. */
export const misfortunes: Readonly<Record<Rule, Misfortune>> = {
  marks: { left: { failovers: 1 }, questions: 1 },
  pollsAskPrimary: { left: {}, questions: 1 },
  lookupsAskPrimary: { left: {}, questions: 1 },
  exactMoment: { left: { failovers: 1 }, questions: 1 },
  order: { left: { failovers: 1 }, questions: 2 },
  untouched: { left: {}, questions: 2 },
  lease: { left: {}, questions: 1 },
  ageFromBeginning: { left: {}, questions: 1 },
  wallClock: { left: { suspensions: 1 }, questions: 1 },
  monotonicClock: { left: { setBacks: 1 }, questions: 1 },
  gate: { left: {}, questions: 1 },
  voiding: { left: {}, questions: 1 },
  wait: { left: {}, questions: 1 },
  secondLook: { left: { failovers: 1 }, questions: 1 },
  repeatedWait: { left: { crashes: 1 }, questions: 1 },
  sameFile: { left: { replacements: 1 }, questions: 1 },
}

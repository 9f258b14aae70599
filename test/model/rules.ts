/** The rules of the revocation protocol, each of which can be taken out to see what breaks without it. */
export interface Rules {
  /** Every revision has a random mark: equal numbers of two histories are told apart. */
  readonly marks: boolean
  /** A poll counts only from a server that says it is the primary. */
  readonly pollsAskPrimary: boolean
  /** So does a look-up. */
  readonly lookupsAskPrimary: boolean
  /** An answer of another moment is told by number and mark, not by the number alone. */
  readonly exactMoment: boolean
  /** An answer is thrown away when a question that began later has been applied, or the process has moved since. */
  readonly order: boolean
  /** What such a look-up found is used only if the key has changed neither here nor there since it was asked. */
  readonly untouched: boolean
  /** What is cached counts for a lease, not for good. */
  readonly lease: boolean
  /** The lease counts from the beginning of the question, not from the answer. */
  readonly ageFromBeginning: boolean
  /** Age is also by the wall clock, which goes on while a machine is suspended. */
  readonly wallClock: boolean
  /** Age is also by the monotonic clock, which nobody sets back. */
  readonly monotonicClock: boolean
  /** A verdict is given after the last wait, by what holds then. */
  readonly gate: boolean
  /** Dropping a key voids what requests under way have found. */
  readonly voiding: boolean
  /** A change returns one lease after its commit. */
  readonly wait: boolean
  /** After the wait the primary is asked whether the change is still there. */
  readonly secondLook: boolean
  /** A key that is ended already is waited for as well. */
  readonly repeatedWait: boolean
  /** A poll notices that another file stands at the path. */
  readonly sameFile: boolean
}

export type Rule = keyof Rules

export const allRules: Rules = {
  marks: true,
  pollsAskPrimary: true,
  lookupsAskPrimary: true,
  exactMoment: true,
  order: true,
  untouched: true,
  lease: true,
  ageFromBeginning: true,
  wallClock: true,
  monotonicClock: true,
  gate: true,
  voiding: true,
  wait: true,
  secondLook: true,
  repeatedWait: true,
  sameFile: true,
}

export function without(rule: Rule): Rules {
  return { ...allRules, [rule]: false }
}

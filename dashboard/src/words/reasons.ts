import { type ReasonAdvice, reasonAdvice } from '../../../src/verifier/reason-advice.ts'

/**
 * An internal reason in plain words. A reason of a newer server that this page does not know is shown
 * unchanged.
 */
export function describeReason(reason: string): ReasonAdvice {
  return Object.hasOwn(reasonAdvice, reason)
    ? reasonAdvice[reason as keyof typeof reasonAdvice]
    : { cause: reason, advice: 'See the documentation.' }
}

import { type ReasonAdvice, reasonAdvice } from '../../../src/verifier/reason-advice.ts'

/** An internal reason in plain words. One that a newer server has and this page does not know stands for itself. */
export function describeReason(reason: string): ReasonAdvice {
  return Object.hasOwn(reasonAdvice, reason)
    ? reasonAdvice[reason as keyof typeof reasonAdvice]
    : { cause: reason, advice: 'See the documentation.' }
}

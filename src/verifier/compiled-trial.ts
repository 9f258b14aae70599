import { noRules, type TrialRules } from '../keys/fields.ts'
import type { RatePolicy } from '../limits/rate-limit-headers.ts'
import type { CompiledRules, CompileRules } from '../rules/compiled-rules.ts'

/** Rules on trial, compiled. */
export interface CompiledTrial extends CompiledRules {
  readonly ratePolicy: RatePolicy | null
  readonly senderPolicy: RatePolicy | null
}

/** @param trial undefined: a custom store from before there were trials has no such field. */
export function compileTrial(
  trial: TrialRules | null | undefined,
  compileRules: CompileRules,
  ratePolicyOf: (eps: number | null) => RatePolicy | null,
): CompiledTrial | null {
  if (trial === null || trial === undefined) return null
  const { rateLimitEps = null, senderRateLimitEps = null, ...lists } = trial
  return {
    ...compileRules({ ...noRules, ...lists }),
    ratePolicy: ratePolicyOf(rateLimitEps),
    senderPolicy: ratePolicyOf(senderRateLimitEps),
  }
}

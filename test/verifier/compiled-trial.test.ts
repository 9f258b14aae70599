import { describe, expect, it } from 'vitest'
import type { TrialRules } from '../../src/keys/fields.ts'
import { createRatePolicy } from '../../src/limits/rate-limit-headers.ts'
import { createRuleCompiler } from '../../src/rules/compiled-rules.ts'
import { compileTrial } from '../../src/verifier/compiled-trial.ts'

const compile = (trial: TrialRules | null | undefined) =>
  compileTrial(trial, createRuleCompiler(), (eps) => (eps === null ? null : createRatePolicy(eps, 1)))

describe('rules on trial', () => {
  it('are compiled like those that count, the others being none', () => {
    expect(compile({ allowedIps: ['10.0.0.0/8'], rateLimitEps: 5 })).toMatchObject({
      ips: expect.anything(),
      events: null,
      origins: null,
      ratePolicy: { rate: { eps: 5 } },
      senderPolicy: null,
    })
    expect(compile({ senderRateLimitEps: 2 })).toMatchObject({
      ips: null,
      ratePolicy: null,
      senderPolicy: { rate: { eps: 2 } },
    })
  })

  it.each([null, undefined])('are none when the store says %s', (trial) => {
    expect(compile(trial)).toBeNull()
  })
})

import { describe, expect, it } from 'vitest'
import { createPlans } from '../../src/keys/plans.ts'
import { createKeyRecord, createSecretRecord } from '../../src/testing/stored-key.ts'
import { createKeyCompiler } from '../../src/verifier/compiled-key.ts'

const options = {
  environment: 'production',
  plans: createPlans(undefined, undefined, null),
  onUnknownPlan() {},
  burstSeconds: 1,
}

describe('a compiled key', () => {
  const earlier = createSecretRecord({ start: 'sk_live_1111', expiresAt: 9_000 })
  const later = createSecretRecord({ start: 'sk_live_2222', createdAt: 2_000 })
  const record = createKeyRecord({
    secrets: [earlier, later],
    metadata: { team: { name: 'a' } },
    allowedEventNames: ['Order Sent'],
    allowedOrigins: ['https://app.example.com', 'https://*.example.net'],
    allowedIps: ['10.0.0.0/8'],
    rateLimitEps: 5,
  })

  it('tells its secrets apart', () => {
    const compile = createKeyCompiler(options)
    expect(compile(record, 0)).toMatchObject({
      verified: { secretId: earlier.id, start: 'sk_live_1111' },
      secretExpiresAt: 9_000,
      secretReplacedAt: 2_000,
    })
    expect(compile(record, 1)).toMatchObject({
      verified: { secretId: later.id, start: 'sk_live_2222' },
      secretCreatedAt: 2_000,
      secretExpiresAt: null,
      secretReplacedAt: null,
    })
  })

  it('counts a secret whose successor is gone as replaced by the last change', () => {
    const lone = createKeyRecord({ secrets: [earlier], updatedAt: 3_000 })
    expect(createKeyCompiler(options)(lone, 0).secretReplacedAt).toBe(3_000)
  })

  it('shares with its sibling what depends on the key alone', () => {
    const compile = createKeyCompiler(options)
    const sibling = compile(record, 0)
    const key = compile(record, 1, sibling)
    expect(key.verified.metadata).toBe(sibling.verified.metadata)
    expect(key.events).toBe(sibling.events)
    expect(key.origins).toBe(sibling.origins)
    expect(key.ips).toBe(sibling.ips)
  })

  it('gives handlers nothing that they can change', () => {
    const { verified } = createKeyCompiler(options)(record, 0)
    expect(Object.isFrozen(verified)).toBe(true)
    expect(Object.isFrozen(verified.metadata?.team)).toBe(true)
    expect(verified.metadata).not.toBe(record.metadata)
  })

  it('shares its rate with other keys, however many different rates there are', () => {
    const compile = createKeyCompiler(options)
    const rateOf = (eps: number) => compile(createKeyRecord({ rateLimitEps: eps }), 0).ratePolicy
    expect(rateOf(7)).toBe(rateOf(7))
    for (let eps = 1; eps <= 2_500; eps++) expect(rateOf(eps)?.rate).toEqual({ eps, burst: eps })
    expect(rateOf(7)?.rate.eps).toBe(7)
  })
})

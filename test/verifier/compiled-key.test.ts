import { describe, expect, it } from 'vitest'
import type { KeyRecord } from '../../src/keys/key-record.ts'
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

  it('knows what the record says about the key', () => {
    const compile = createKeyCompiler(options)
    const about = { id: record.id, version: 3, sourceType: 'mobile', environment: 'staging' } as const
    const key = compile(createKeyRecord({ ...about, name: 'iOS', workspace: 'acme', expiresAt: 7_000 }), 0)
    expect(key).toMatchObject({
      id: record.id,
      verified: { name: 'iOS', sourceType: 'mobile', environment: 'staging', workspace: 'acme' },
      version: 3,
      expiresAt: 7_000,
      isRevoked: false,
      isPaused: false,
      ratePolicy: null,
      senderPolicy: null,
      trial: null,
      monthlyEvents: null,
    })
  })

  it.each([
    ['active', false, false],
    ['paused', false, true],
    ['revoked', true, false],
  ] as const)('is %s as its record is', (status, isRevoked, isPaused) => {
    expect(createKeyCompiler(options)(createKeyRecord({ status }), 0)).toMatchObject({ isRevoked, isPaused })
  })

  it('accepts earlier secrets until the last of them ends', () => {
    const compile = createKeyCompiler(options)
    const middle = createSecretRecord({ expiresAt: 8_000 })
    expect(compile({ ...record, secrets: [earlier, middle, later] }, 2).graceUntil).toBe(9_000)
    expect(compile({ ...record, secrets: [later] }, 0).graceUntil).toBe(0)
  })

  it('takes from its plan what it does not say, and tells of a plan that there is not', () => {
    const unknown: unknown[] = []
    const free = { rateLimitEps: 5, senderRateLimitEps: 2, monthlyEvents: 100 }
    const compile = createKeyCompiler({
      ...options,
      plans: createPlans(new Map([['free', free]]), undefined, null),
      onUnknownPlan: ({ plan }) => unknown.push(plan),
    })
    const onPlan = (plan: string | null) => compile(createKeyRecord({ plan }), 0)
    expect(onPlan('free')).toMatchObject({
      verified: { plan: 'free' },
      ratePolicy: { rate: { eps: 5 } },
      senderPolicy: { rate: { eps: 2 } },
      monthlyEvents: 100,
    })
    expect(onPlan(null).monthlyEvents).toBeNull()
    expect(unknown).toEqual([])
    expect(onPlan('gone').monthlyEvents).toBeNull()
    expect(unknown).toEqual(['gone'])
  })

  it.each<[string, Partial<KeyRecord>]>([
    ['a share', { senderRateLimitEps: 2 }],
    ['a share on trial', { trial: { senderRateLimitEps: 2 } }],
  ])('tells its senders from those of other keys when it has %s for each', (_, fields) => {
    const compile = createKeyCompiler(options)
    const [one, other] = ['wk_1', 'wk_2'].map((id) => compile(createKeyRecord({ ...fields, id }), 0).mark)
    expect(one).not.toBe(other)
  })

  it('needs no mark without shares', () => {
    expect(createKeyCompiler(options)(record, 0).mark).toBe(0)
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
    expect(verified.metadata).toEqual(record.metadata)
    expect(verified.metadata).not.toBe(record.metadata)
    expect(Object.isFrozen(verified.metadata)).toBe(true)
    expect(Object.isFrozen(verified.metadata?.team)).toBe(true)
  })

  it('shares its rate with other keys, however many different rates there are', () => {
    const compile = createKeyCompiler(options)
    const rateOf = (eps: number) => compile(createKeyRecord({ rateLimitEps: eps }), 0).ratePolicy
    const first = rateOf(7)
    expect(rateOf(8)).not.toBe(first)
    expect(rateOf(7)).toBe(first)
    for (let eps = 1; eps <= 2_500; eps++) expect(rateOf(eps)?.rate).toEqual({ eps, burst: eps })
    expect(rateOf(7)?.rate.eps).toBe(7)
  })

  it('forgets rates when there are more than a thousand', () => {
    const compile = createKeyCompiler(options)
    const rateOf = (eps: number) => compile(createKeyRecord({ rateLimitEps: eps }), 0).ratePolicy
    const first = rateOf(1)
    for (let eps = 2; eps <= 1_000; eps++) rateOf(eps)
    rateOf(1_001)
    expect(rateOf(1)).not.toBe(first)
  })
})

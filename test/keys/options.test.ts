import { describe, expect, it } from 'vitest'
import { keyPrefixFor } from '../../src/keys/key-prefix.ts'
import {
  fingerprintOf,
  pepperOption,
  plainFingerprint,
  takesPlainHashes,
} from '../../src/keys/pepper-option.ts'
import { createPlans, effectiveSenderRateOf, plansOption } from '../../src/keys/plans.ts'
import { digestToHex } from '../../src/keys/secret-hash.ts'

const plansOf = (value: unknown) => plansOption(value, 'plans')

describe('the option plans', () => {
  const none = { rateLimitEps: null, senderRateLimitEps: null, monthlyEvents: null }
  it.each([null, 'free', 7, [], [{ free: {} }]])('is no %j', (value) => {
    expect(() => plansOf(value)).toThrow(
      /plans must be an object of plans by their names, such as \{ free: \{ rateLimitEps: 50 \} \}/,
    )
  })

  it('has names of few characters, and says which plan is wrong', () => {
    expect(() => plansOf({ 'a b': {} })).toThrow(/a name is 1 to 64 characters of A-Z a-z 0-9 \. _ -/)
    expect(() => plansOf({ free: { rateLimitEps: 0 } })).toThrow(/^plans\.free\.rateLimitEps/)
    expect(plansOf({ free: { rateLimitEps: 5 }, open: {} })).toEqual(
      new Map<string, unknown>([
        ['free', { ...none, rateLimitEps: 5 }],
        ['open', none],
      ]),
    )
    expect(plansOf(undefined)).toBeUndefined()
  })

  it('gives keys of no plan, and of one that is not there, the default', () => {
    const plans = createPlans(plansOf({ free: { rateLimitEps: 5 }, '0': { rateLimitEps: 8 } }), 'free', 7)
    expect(plans.names).toEqual(['0', 'free'])
    expect([null, 'gone', 'free', '0'].map((name) => plans.of(name).rateLimitEps)).toEqual([5, 5, 5, 8])
    expect(['free', 'gone'].map(plans.knows)).toEqual([true, false])
    const without = createPlans(undefined, undefined, 7)
    expect(without.of('free')).toEqual({ ...none, name: null, rateLimitEps: 7 })
    expect(without.knows('free')).toBe(true)
    expect(without.names).toBeUndefined()
  })

  it('says whether any plan has a quota', () => {
    const haveQuotas = (value: object) => createPlans(plansOf(value), undefined, null).haveQuotas
    expect(createPlans(undefined, undefined, null).haveQuotas).toBe(false)
    expect(haveQuotas({})).toBe(false)
    expect(haveQuotas({ free: {} })).toBe(false)
    expect(haveQuotas({ free: {}, paid: { monthlyEvents: 5 } })).toBe(true)
  })

  it('has the default plan among them, and names the one that was meant', () => {
    const plans = plansOf({ free: {}, professional: {} })
    expect(() => createPlans(plans, 'fre', null)).toThrow(/one of the plans, such as 'free'/)
    expect(() => createPlans(plans, 'xyz', null)).toThrow(
      'defaultPlan must be one of the plans; received a string of 3 characters.',
    )
    expect(() => createPlans(undefined, 'free', null)).toThrow(/one of the plans/)
  })

  it('says the share of a sender that counts: the key’s own, else its plan’s', () => {
    const plans = createPlans(plansOf({ free: { senderRateLimitEps: 2 } }), undefined, null)
    const share = (senderRateLimitEps: number | null, plan: string | null) =>
      effectiveSenderRateOf({ senderRateLimitEps, plan }, plans)
    expect([share(3, 'free'), share(null, 'free'), share(null, null)]).toEqual([3, 2, null])
  })
})

describe('the option pepper', () => {
  const hashesOf = (value: unknown, isGiven = true) =>
    pepperOption(value, 'pepper', isGiven).map((hasher) => digestToHex(hasher('x')))
  const plain = hashesOf(null)

  it('is none where it is null, or not given at all', () => {
    expect(plain).toHaveLength(1)
    expect(hashesOf(undefined, false)).toEqual(plain)
    expect(() => hashesOf(undefined)).toThrow(/pepper/)
    expect(hashesOf(['first pepper', null])[1]).toBe(plain[0])
  })

  it('counts where nobody says whether it is given', () => {
    expect(pepperOption('first pepper', 'pepper').map(fingerprintOf)).not.toEqual([plainFingerprint()])
  })

  it.each([['short'], [''], [7], [[]], [[null]], [['first pepper', null, 'second pepper']], [['short']]])(
    'is not %j',
    (value) => {
      expect(() => hashesOf(value)).toThrow(/pepper/)
    },
  )

  it.each([
    [
      'seven c',
      'pepper must be a string of at least 8 characters, or null for none on purpose; received a string of 7 characters.',
    ],
    [
      [],
      'pepper must be a string, or a list with at least one; null means none on purpose; received a list of 0.',
    ],
  ])('says what is right instead of %j', (value, message) => {
    expect(() => hashesOf(value)).toThrow(message)
    expect(hashesOf('eight ch')).toHaveLength(1)
  })

  it('is told from others by four hex digits', () => {
    const of = (value: unknown) => fingerprintOf(pepperOption(value, 'pepper', true)[0])
    expect(of('first pepper')).toMatch(/^[0-9a-f]{4}$/)
    expect(of('first pepper')).toBe(of(['first pepper', 'second pepper']))
    expect(plainFingerprint()).toBe(of(null))
    expect(plainFingerprint()).not.toBe(of('first pepper'))
  })

  it('leaves plain hashes acceptable only where null says so', () => {
    const takes = (value: unknown) => takesPlainHashes(pepperOption(value, 'pepper', true))
    expect([null, 'first pepper', ['first pepper', null]].map(takes)).toEqual([true, false, true])
  })
})

describe('the prefix of secrets', () => {
  it('is the option in the own environment, and elsewhere says live or test', () => {
    expect(keyPrefixFor('acme_', 'staging', 'staging')).toBe('acme_')
    expect(keyPrefixFor('acme_', 'staging', 'production')).toBe('sk_live_')
    expect(keyPrefixFor('acme_', 'production', 'staging')).toBe('sk_test_')
    expect(keyPrefixFor(undefined, 'production', 'production')).toBe('sk_live_')
    expect(keyPrefixFor(undefined, 'staging', 'staging')).toBe('sk_test_')
  })
})

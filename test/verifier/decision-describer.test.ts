import { describe, expect, it } from 'vitest'
import { createPlans } from '../../src/keys/plans.ts'
import { createAddressFinder } from '../../src/rules/client-address.ts'
import { createKeyRecord, createSecretRecord } from '../../src/testing/stored-key.ts'
import { createKeyCompiler } from '../../src/verifier/compiled-key.ts'
import { credentialsOption } from '../../src/verifier/credentials-option.ts'
import { bytesOf, createDecisionDescriber } from '../../src/verifier/decision-describer.ts'
import { createVisit, type Visit } from '../../src/verifier/visit.ts'

const usual = {
  credentials: credentialsOption(['basic', { body: 'k' }], 'credentials'),
  batchFields: ['batch'],
}
const presented = 'Ab9xY7qxY7qxY7qxY7qxY7qxY7qxY7qZ'
const origin = 'https://app.example.com'
const find = createAddressFinder(undefined)

function visitWith(changes: Partial<Visit> = {}, headers = {}): Visit {
  return Object.assign(
    createVisit({ method: 'POST', path: '/v1/track', headers, ip: '203.0.113.7' }, usual),
    changes,
  )
}

const compile = createKeyCompiler({
  environment: 'production',
  plans: createPlans(undefined, undefined, null),
  onUnknownPlan() {},
  burstSeconds: 1,
})

describe('where a request came from', () => {
  it.each([
    ['its page and address', visitWith({}, { origin }), { origin, address: '203.0.113.7' }],
    ['its address alone', visitWith(), { address: '203.0.113.7' }],
    [
      'the address that was found for its rules',
      visitWith({ address: find('198.51.100.1', {}) }),
      { address: '198.51.100.1' },
    ],
    ['no address, if none was found', visitWith({ address: null }), {}],
    [
      'no address of a socket without one',
      visitWith({ request: { method: 'GET', path: '/', headers: {} } }),
      {},
    ],
  ])('is %s', (_, visit, expected) => {
    expect(createDecisionDescriber(find).whereFrom(visit)).toStrictEqual(expected)
  })

  it('has no address when the function that finds it throws', () => {
    const { whereFrom } = createDecisionDescriber(() => {
      throw new Error('broken')
    })
    expect(whereFrom(visitWith({}, { origin }))).toStrictEqual({ origin })
  })

  it('shows no key in the origin', () => {
    const { whereFrom } = createDecisionDescriber(find)
    const withKey = (headers: object, key: Visit['presented']) =>
      whereFrom(visitWith({ presented: key }, headers)).origin
    expect(withKey({ origin: `https://${presented}.example` }, presented)).toBe(
      'https://(a write key).example',
    )
    expect(withKey({ origin: presented }, presented)).toBe('(a write key)')
    expect(withKey({ origin: `https://${presented}.example` }, undefined)).toContain(presented)
    expect(withKey({ origin }, null)).toBe(origin)
  })
})

describe('a decision', () => {
  const { toDecision } = createDecisionDescriber(find)
  const record = createKeyRecord({
    sourceType: 'server',
    secrets: [createSecretRecord({ id: 'ws_1', createdAt: 5, expiresAt: 6 })],
  })
  const received = { ok: true, value: { event: 'a' }, bytes: 20 } as const

  it('of a request that is refused early tells what is known by then', () => {
    const visit = visitWith({ wouldRefuse: 'rate_limited' })
    expect(toDecision(visit, 'missing_key')).toStrictEqual({
      reason: 'missing_key',
      wouldRefuse: undefined,
      keyId: null,
      sourceType: null,
      secret: null,
      events: 0,
      rejected: 0,
      routeType: null,
      body: undefined,
      bytes: undefined,
      request: visit.request,
      startedAt: 0,
      batchFields: ['batch'],
      keyFields: ['k'],
      presented: undefined,
      address: '203.0.113.7',
    })
  })

  it('of one that is accepted tells all', () => {
    const visit = visitWith({
      key: compile(record, 0),
      keyId: record.id,
      at: 7,
      routeType: 'track',
      wouldRefuse: 'rate_limited',
      presented,
      received,
    })
    const rejected = [{ index: 2, type: 'page', code: 'event_type_not_allowed' } as const]
    expect(toDecision(visit, null, { ok: true, events: [{}, {}], rejected, body: {} })).toMatchObject({
      reason: null,
      wouldRefuse: 'rate_limited',
      keyId: record.id,
      sourceType: 'server',
      secret: { id: 'ws_1', createdAt: 5, expiresAt: 6 },
      events: 2,
      rejected: 1,
      routeType: 'track',
      body: received.value,
      bytes: 20,
      startedAt: 7,
      presented,
    })
  })

  it('names properties of the body that hold a key which a function has found', () => {
    const credentials = credentialsOption(() => presented, 'credentials')
    const visit = createVisit({ method: 'POST', path: '/', headers: {} }, { ...usual, credentials })
    Object.assign(visit, { presented, received: { ...received, value: { token: presented } } })
    expect(toDecision(visit, 'unknown_key').keyFields).toEqual(['token'])
  })
})

it('the length of a body is known where it was read', () => {
  expect(bytesOf(visitWith({ received: { ok: true, value: 1, bytes: 20 } }))).toBe(20)
  expect(
    bytesOf(visitWith({ received: { ok: false, reason: 'invalid_json', bodyLeft: false } })),
  ).toBeUndefined()
  expect(bytesOf(visitWith())).toBeUndefined()
})

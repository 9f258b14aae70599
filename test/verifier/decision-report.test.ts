import { describe, expect, it } from 'vitest'
import type { KeyRecord } from '../../src/keys/key-record.ts'
import { createPlans } from '../../src/keys/plans.ts'
import { createAddressFinder } from '../../src/rules/client-address.ts'
import { AmbiguousType } from '../../src/rules/event-types.ts'
import { createKeyRecord, createSecretRecord } from '../../src/testing/stored-key.ts'
import { createKeyCompiler } from '../../src/verifier/compiled-key.ts'
import { credentialsOption } from '../../src/verifier/credentials-option.ts'
import { createDecisionMeter } from '../../src/verifier/decision-counts.ts'
import type { WriteKeyEvent } from '../../src/verifier/decision-event.ts'
import { createDecisionReport, type DecisionReportOptions } from '../../src/verifier/decision-report.ts'
import type { CheckedEvents } from '../../src/verifier/events.ts'
import type { Reason } from '../../src/verifier/reasons.ts'
import type { RequestDecision } from '../../src/verifier/request-decision.ts'
import type { UsageCounter } from '../../src/verifier/usage-counter.ts'
import { createVisit, type Visit } from '../../src/verifier/visit.ts'

const usual = { credentials: credentialsOption(undefined, 'credentials'), batchFields: ['batch'] }
const compile = createKeyCompiler({
  environment: 'production',
  plans: createPlans(undefined, undefined, null),
  onUnknownPlan() {},
  burstSeconds: 1,
})
const from = { origin: 'https://app.example.com', address: '203.0.113.7' }
const checked: CheckedEvents = {
  ok: true,
  events: [{ event: 'a' }, { event: 'b' }],
  rejected: [{ index: 2, type: 'page', code: 'event_type_not_allowed' }],
  body: {},
}

/** A report, and what it tells to whom. */
function start(options: Partial<DecisionReportOptions> = {}) {
  const events: WriteKeyEvent[] = []
  const counts: unknown[][] = []
  const decisions: RequestDecision[] = []
  const meter = createDecisionMeter()
  const count =
    (name: keyof UsageCounter) =>
    (...about: unknown[]) =>
      void counts.push([name, ...about])
  const report = createDecisionReport({
    clock: { now: () => 9_000 },
    clientAddress: createAddressFinder(undefined),
    ignoresForwardedFor: true,
    emit: (event) => events.push(event),
    tellDecisions: true,
    tellsNotices: true,
    usage: {
      accepted: count('accepted'),
      ofSecret: count('ofSecret'),
      tried: count('tried'),
      refused: count('refused'),
    },
    watch: { record: (decision) => decisions.push(decision) },
    measure: { meter },
    ...options,
  })
  return { report, events, counts, decisions, meter: meter.counts }
}

function visitWith(changes: Partial<Visit> = {}, headers = {}): Visit {
  return Object.assign(
    createVisit(
      { method: 'POST', path: '/v1/track', headers: { origin: from.origin, ...headers }, ip: from.address },
      usual,
    ),
    changes,
  )
}

function keyWith(fields: Partial<KeyRecord> = {}) {
  return compile(createKeyRecord({ id: 'wk_1', secrets: [createSecretRecord({ id: 'ws_1' })], ...fields }), 0)
}
const secret = { keyId: 'wk_1', secretId: 'ws_1' }
const received = { ok: true, value: {}, bytes: 20 } as const

describe('an accepted request', () => {
  it('is told, counted, measured and shown', () => {
    const at = start()
    const visit = visitWith({ at: 5_000, routeType: 'track', received })
    at.report.accepted(visit, keyWith(), checked)
    expect(at.events).toStrictEqual([{ type: 'accepted', ...secret, events: 2, rejected: 1, ...from }])
    expect(at.counts).toEqual([
      ['accepted', 'wk_1', 'ws_1', 'track', checked.events, checked.rejected, 5_000],
    ])
    expect(at.meter).toMatchObject({
      acceptedRequests: 1,
      acceptedEvents: 2,
      droppedEvents: 1,
      bodyBytes: 20,
    })
    expect(at.decisions).toMatchObject([{ reason: null, events: 2 }])
    expect(visit.isCounted).toBe(true)
  })

  it('is only counted while nobody listens', () => {
    const at = start({ tellDecisions: false, watch: {}, measure: {} })
    const key = keyWith({ trial: { allowedEventTypes: ['page'] } })
    at.report.accepted(visitWith({ wouldRefuse: 'event_type_not_allowed' }), key, checked)
    expect(at.events).toEqual([])
    expect(at.counts.map(([name]) => name)).toEqual(['accepted', 'tried'])
  })

  it('with an earlier secret says until when that is good', () => {
    const at = start()
    const secrets = [createSecretRecord({ id: 'ws_1', expiresAt: 6_000 }), createSecretRecord()]
    at.report.accepted(visitWith({ at: 5_000 }), keyWith({ secrets }), checked)
    expect(at.events[0]).toEqual({ type: 'grace_used', ...secret, expiresAt: new Date(6_000) })
    expect(at.counts[1]).toEqual(['ofSecret', 'wk_1', 'ws_1', 2, 5_000])
  })

  it('is told apart by its secret while an earlier one is good, and no longer', () => {
    const secrets = [createSecretRecord({ id: 'ws_1' }), createSecretRecord({ expiresAt: 6_000 })]
    for (const at of [5_999, 6_000]) {
      const { report, events, counts } = start()
      report.accepted(visitWith({ at }), keyWith({ secrets }), checked)
      expect(events.map(({ type }) => type)).toEqual(['accepted'])
      expect(counts.map(([name]) => name)).toEqual(at < 6_000 ? ['accepted', 'ofSecret'] : ['accepted'])
    }
  })

  it('says what rules on trial would have done, once for all guards', () => {
    const key = keyWith({ trial: { allowedEventTypes: ['page'] } })
    const wouldRefuse = 'event_type_not_allowed'
    const refusing = start()
    refusing.report.accepted(visitWith({ at: 5_000, wouldRefuse }), key, checked)
    expect(refusing.events).toStrictEqual([
      { type: 'would_refuse', reason: wouldRefuse, keyId: 'wk_1', events: 2, ...from },
      { type: 'accepted', ...secret, events: 2, rejected: 1, wouldRefuse, ...from },
    ])
    expect(refusing.counts[1]).toEqual(['tried', 'wk_1', wouldRefuse, 2, 5_000])

    const passing = start()
    passing.report.accepted(visitWith({ at: 5_000 }), key, checked)
    expect(passing.events.map(({ type }) => type)).toEqual(['accepted'])
    expect(passing.counts[1]).toEqual(['tried', 'wk_1', undefined, 2, 5_000])

    const paid = start()
    paid.report.accepted({ ...visitWith(), isPaid: true }, key, checked)
    expect(paid.counts.map(([name]) => name)).toEqual(['accepted'])
  })
})

describe('a refused request', () => {
  it('is told, counted, measured and shown', () => {
    const at = start()
    at.report.refused(visitWith({ keyId: 'wk_1', received }), 'origin_not_allowed')
    expect(at.events).toStrictEqual([
      { type: 'refused', reason: 'origin_not_allowed', keyId: 'wk_1', ...from },
    ])
    expect(at.counts).toEqual([['refused', 'wk_1', 'origin_not_allowed', 9_000]])
    expect(at.meter.refusedFor('origin_not_allowed')).toBe(1)
    expect(at.meter.bodyBytes).toBe(20)
    expect(at.decisions).toMatchObject([{ reason: 'origin_not_allowed', keyId: 'wk_1' }])
  })

  it('is counted for no key while the key is not known', () => {
    const at = start()
    at.report.refused(visitWith(), 'unknown_key')
    expect(at.events).toStrictEqual([{ type: 'refused', reason: 'unknown_key', ...from }])
    expect(at.counts).toEqual([])
    expect(at.meter.refusedFor('unknown_key')).toBe(1)
  })

  it('is told with the error of an application, whoever listens', () => {
    const error = new Error('broken')
    for (const tellDecisions of [true, false]) {
      const at = start({ tellDecisions })
      at.report.refused(visitWith(), 'handler_failed', error)
      expect(at.events).toStrictEqual([{ type: 'refused', reason: 'handler_failed', ...from, error }])
      at.report.refused(visitWith(), 'unknown_key')
      expect(at.events).toHaveLength(tellDecisions ? 2 : 1)
    }
    start({ watch: {}, measure: {} }).report.refused(visitWith(), 'unknown_key')
  })

  it('is not counted when its client went away, nor shown', () => {
    const at = start()
    at.report.refused(visitWith({ keyId: 'wk_1' }), 'client_aborted')
    expect(at.events).toMatchObject([{ reason: 'client_aborted' }])
    expect(at.counts).toEqual([])
    expect(at.meter.refusedFor('client_aborted')).toBe(1)
    expect(at.decisions).toEqual([])
  })

  it('is not counted again when it has counted as accepted', () => {
    const at = start()
    at.report.refused(visitWith({ keyId: 'wk_1', isCounted: true }), 'handler_failed')
    expect(at.counts).toEqual([])
    expect(at.meter.refusedFor('handler_failed')).toBe(0)
    expect(at.events).toHaveLength(1)
  })

  it('tells once that its key has reached its rate, to those who want notices', () => {
    const key = keyWith({ rateLimitEps: 5 })
    const noticesOf = (tellsNotices: boolean, changes: Partial<Visit>, reason: Reason = 'rate_limited') => {
      const at = start({ tellsNotices })
      for (let count = 0; count < 2; count++) at.report.refused(visitWith(changes), reason)
      return at.events.filter(({ type }) => type === 'rate_limit_reached')
    }
    expect(noticesOf(true, { key })).toEqual([{ type: 'rate_limit_reached', keyId: 'wk_1', rateLimitEps: 5 }])
    expect(noticesOf(false, { key })).toEqual([])
    expect(noticesOf(true, {})).toEqual([])
    expect(noticesOf(true, { key }, 'key_paused')).toEqual([])
  })
})

describe('what is told of a set-up', () => {
  it('is a server key in a page, with its origin if that is known', () => {
    const at = start()
    at.report.serverKeyInBrowser(keyWith(), from.origin)
    at.report.serverKeyInBrowser(keyWith(), undefined)
    expect(at.events).toStrictEqual([
      { type: 'server_key_in_browser', keyId: 'wk_1', origin: from.origin },
      { type: 'server_key_in_browser', keyId: 'wk_1' },
    ])
    const silent = start({ tellDecisions: false })
    silent.report.serverKeyInBrowser(keyWith(), from.origin)
    expect(silent.events).toEqual([])
  })

  it('is a forwarded address that is not looked at, once', () => {
    const at = start()
    at.report.senderKnown(visitWith())
    expect(at.events).toEqual([])
    for (let count = 0; count < 2; count++)
      at.report.senderKnown(visitWith({}, { 'x-forwarded-for': '192.0.2.1' }))
    expect(at.events).toEqual([{ type: 'forwarded_for_ignored' }])
    const set = start({ ignoresForwardedFor: false })
    set.report.senderKnown(visitWith({}, { 'x-forwarded-for': '192.0.2.1' }))
    expect(set.events).toEqual([])
  })

  it('is a path that names two types, once', () => {
    const at = start()
    at.report.ambiguousType(new AmbiguousType())
    expect(at.events).toEqual([])
    for (const types of [
      ['identify', 'track'],
      ['page', 'screen'],
    ] as const)
      at.report.ambiguousType(new AmbiguousType(types))
    expect(at.events).toEqual([{ type: 'ambiguous_path', eventTypes: ['identify', 'track'] }])
  })
})

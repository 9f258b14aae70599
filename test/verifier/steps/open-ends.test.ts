import { describe, expect, it } from 'vitest'
import { AcceptedRequest } from '../../../src/verifier/accepted-request.ts'
import type { CompiledKey } from '../../../src/verifier/compiled-key.ts'
import { credentialsOption } from '../../../src/verifier/credentials-option.ts'
import type { CheckedEvents, IngestEvent } from '../../../src/verifier/events.ts'
import { type Settlement, withSettlement } from '../../../src/verifier/settlement.ts'
import { createSettlements } from '../../../src/verifier/steps/settlements.ts'
import { createUnderWay } from '../../../src/verifier/under-way.ts'
import type { Refused, Verdict } from '../../../src/verifier/verdict.ts'
import { createVisit, type Visit } from '../../../src/verifier/visit.ts'

const usual = { credentials: credentialsOption(undefined, 'credentials'), batchFields: ['batch'] }
const key = { id: 'wk_1', ratePolicy: null, senderPolicy: null } as CompiledKey
const events: IngestEvent[] = [{ type: 'track' }, { type: 'page' }]

/** Guards and endpoints of one request, and what they report. */
function setUp(onForbiddenEvent: 'reject' | 'drop' = 'drop') {
  const underWay = createUnderWay()
  const counted: { type: string | null; events: number; rejected: number }[] = []
  const refused: string[] = []
  const state = { givenBack: 0, givenBackToMonth: 0 }
  const settlements = createSettlements(
    { onForbiddenEvent },
    {
      accepted: (visit, _, checked) =>
        void counted.push({
          type: visit.routeType,
          events: checked.events.length,
          rejected: checked.rejected.length,
        }),
    } as Parameters<typeof createSettlements>[1],
    {
      refuse(visit, reason) {
        if (!visit.isCounted) refused.push(reason)
        return { ok: false, reason } as Refused
      },
    },
    { giveBack: () => void state.givenBack++, giveBackToMonth: () => void state.givenBackToMonth++ },
    underWay,
  )
  const visit = Object.assign(createVisit({ method: 'POST', path: '/v1/batch', headers: {} }, usual), { key })
  const judged: { verdict: Verdict } = { verdict: { ok: true } as Verdict }
  /** @param type that this guard or endpoint knows of every event */
  function pass(
    decider: 'guard' | 'endpoint',
    { isInner = false, type = null as string | null, body = { batch: events } as unknown } = {},
  ) {
    const checked: CheckedEvents = { ok: true, events, rejected: [], body }
    const read: Visit = isInner ? { ...visit, routeType: type } : Object.assign(visit, { routeType: type })
    const accepted = new AcceptedRequest(read, {} as never, checked, {}, () => judged.verdict)
    let settlement: Settlement | undefined
    const request = withSettlement({ method: 'POST', path: '/v1/batch', headers: {} }, decider, (given) => {
      settlement = given
    })
    expect(
      settlements.offer(visit, accepted, request, () => judged.verdict, ...(isInner ? [true] : [])),
    ).toBe(true)
    return settlement as Settlement
  }
  return { settlements, underWay, visit, counted, refused, state, judged, pass }
}

describe('a request that nobody asked to decide about', () => {
  it('is left to nobody', () => {
    const { settlements, visit, underWay } = setUp()
    const request = { method: 'POST', path: '/v1/batch', headers: {} }
    expect(settlements.offer(visit, {} as AcceptedRequest, request, () => ({}) as Verdict)).toBe(false)
    expect(underWay.giveUp()).toBe(0)
  })

  it('has nothing to take back', () => {
    const { settlements, visit, state } = setUp()
    settlements.takeBack(visit)
    expect(state.givenBack).toBe(0)
  })

  it('and was counted by the guard in front, is not counted again by what is behind', () => {
    const { pass, counted, refused } = setUp()
    const settlement = pass('endpoint', { isInner: true })
    settlement.accept()
    expect(counted).toEqual([])
    settlement.refuse('handler_failed')
    expect(refused).toEqual(['handler_failed'])
  })
})

describe('a guard that lets a request through', () => {
  it('has it counted when the process ends', () => {
    const { pass, underWay, counted } = setUp()
    pass('guard', { type: 'track' })
    underWay.countPassed()
    expect(counted).toEqual([{ type: 'track', events: 2, rejected: 0 }])
    expect(underWay.giveUp()).toBe(0)
  })

  it('has it given up when the process ends, where an endpoint behind has it', () => {
    const { pass, underWay, counted } = setUp()
    pass('guard')
    pass('endpoint', { isInner: true })
    underWay.countPassed()
    expect(counted).toEqual([])
    expect(underWay.giveUp()).toBe(2)
  })

  it('has it counted when the process ends, where only another guard has it', () => {
    const { pass, underWay, counted } = setUp()
    pass('guard')
    pass('guard', { isInner: true })
    underWay.countPassed()
    expect(counted.length).toBe(1)
  })

  it('has it given up when the process ends, where it is an endpoint itself', () => {
    const { pass, underWay, counted } = setUp()
    pass('endpoint')
    underWay.countPassed()
    expect([counted, underWay.giveUp()]).toEqual([[], 2])
  })

  it('has it counted, once, when nobody behind it has more to say', () => {
    const { pass, counted } = setUp()
    const outer = pass('guard')
    const inner = pass('guard', { isInner: true })
    inner.pass()
    outer.pass()
    expect(counted.length).toBe(1)
  })

  it('has it taken back once when an inner guard refuses it', () => {
    const { pass, settlements, visit, state, counted } = setUp()
    const settlement = pass('guard')
    settlements.takeBack(visit)
    settlements.takeBack(visit)
    settlement.accept()
    expect([state.givenBack, counted]).toEqual([1, []])
  })

  it('does not take back what has been counted', () => {
    const { pass, settlements, visit, state } = setUp()
    pass('guard').accept()
    settlements.takeBack(visit)
    expect(state.givenBack).toBe(0)
  })
})

describe('an endpoint behind a guard', () => {
  it('counts for both, once, by the type that it knows', () => {
    const { pass, counted, visit } = setUp()
    const outer = pass('guard')
    pass('endpoint', { isInner: true, type: 'page' }).accept()
    outer.accept()
    expect(counted).toEqual([{ type: 'page', events: 2, rejected: 0 }])
    expect([visit.routeType, visit.isCounted]).toEqual([null, true])
  })

  it('counts what it has left of the events', () => {
    const { pass, counted } = setUp()
    pass('guard', { type: 'track' })
    const rejected = [{ index: 1, type: 'page', code: 'invalid_event' }] as never
    pass('endpoint', { isInner: true, type: 'track' }).accept({ events: events.slice(0, 1), rejected })
    expect(counted).toEqual([{ type: 'track', events: 1, rejected: 1 }])
  })

  it.each(['guard', 'endpoint'] as const)(
    'that refuses it after the %s has counted it is not told as refused',
    (who) => {
      const { pass, refused } = setUp()
      const outer = pass('guard')
      const inner = pass('endpoint', { isInner: true, type: 'page' })
      ;(who === 'guard' ? outer : inner).accept()
      expect(inner.refuse('handler_failed')).toMatchObject({ ok: false, reason: 'handler_failed' })
      expect(refused).toEqual([])
    },
  )

  it('has what its guard is done with, until it ends itself', () => {
    const { pass, counted, refused } = setUp()
    const outer = pass('guard')
    const inner = pass('endpoint', { isInner: true })
    outer.pass()
    expect(counted).toEqual([])
    inner.refuse('handler_failed')
    outer.pass()
    expect([counted, refused]).toEqual([[], ['handler_failed']])
  })

  it('that refuses it leaves the guard nothing to count', () => {
    const { pass, counted, refused, underWay } = setUp()
    const outer = pass('guard')
    pass('endpoint', { isInner: true }).refuse('invalid_event')
    outer.accept()
    expect([counted, refused, underWay.giveUp()]).toEqual([[], ['invalid_event'], 0])
  })
})

describe('events that turn out to be bad', () => {
  it.each([
    ['may be left out of a batch, where guards leave events out', 'drop', { batch: events }, true],
    ['refuse a batch where guards refuse it', 'reject', { batch: events }, false],
    ['refuse a request that is one event', 'drop', events[0], false],
  ] as const)('%s', (_, onForbiddenEvent, body, expected) => {
    expect(setUp(onForbiddenEvent).pass('endpoint', { body }).drops).toBe(expected)
  })
})

describe('a request whose key has ended while it waited', () => {
  it('is given back, and counted no more', async () => {
    const { pass, judged, state, counted } = setUp()
    const settlement = pass('endpoint')
    expect(await settlement.judgeAgain()).toBeUndefined()
    const verdict = { ok: false, reason: 'revoked_key' } as Refused
    judged.verdict = verdict
    expect(await settlement.judgeAgain()).toBe(verdict)
    settlement.accept()
    expect([state.givenBack, counted]).toEqual([1, []])
  })
})

describe('what a refused request was charged', () => {
  it.each([
    ['the key', { charged: 3, chargedSender: 1 }, { ratePolicy: { rate: { burst: 4 } } }],
    [
      'the key, whatever its senders have',
      { charged: 3 },
      { ratePolicy: { rate: { burst: 4 } }, senderPolicy: { rate: { burst: 100 } } },
    ],
    ['the sender', { charged: 0, chargedSender: 3 }, { senderPolicy: { rate: { burst: 4 } } }],
    ['nobody', { charged: 3 }, {}],
  ])('is given back up to a bucket a minute of %s', (_, charges, policies) => {
    const { pass, visit, state } = setUp()
    Object.assign(visit, charges, { at: 1_000, key: { ...key, ...policies } })
    for (let count = 0; count < 2; count++) pass('endpoint').refuse('handler_failed')
    expect(state.givenBack).toBe(1)
    visit.at += 60_000
    pass('endpoint').refuse('handler_failed', { keepCharge: true })
    expect(state.givenBack).toBe(1)
    pass('endpoint').refuse('handler_failed')
    expect(state.givenBack).toBe(2)
    // The month holds what usage counts as accepted, and that is none of these.
    expect(state.givenBackToMonth).toBe(2)
  })
})

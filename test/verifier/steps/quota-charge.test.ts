import { describe, expect, it } from 'vitest'
import type { IngestRequest } from '../../../src/http/ingest-request.ts'
import type { QuotaMonth, Quotas } from '../../../src/limits/quotas.ts'
import type { CompiledKey } from '../../../src/verifier/compiled-key.ts'
import { credentialsOption } from '../../../src/verifier/credentials-option.ts'
import type { CheckedEvents } from '../../../src/verifier/events.ts'
import type { Refusals } from '../../../src/verifier/refusals.ts'
import { createQuotaCharge } from '../../../src/verifier/steps/quota-charge.ts'
import { createVisit } from '../../../src/verifier/visit.ts'
import { post } from '../../manual-keys.ts'
import { startTold } from '../told-keys.ts'

const plans = { free: { monthlyEvents: 2 }, open: {} }

function start() {
  const { keys, make } = startTold({ plans, onForbiddenEvent: 'drop' })
  const send = async (key: string, more: Partial<IngestRequest> = {}) => {
    const verdict = await keys.verify({ ...post(key, { event: 'a' }), ...more })
    return verdict.ok ? 'accepted' : verdict.reason
  }
  const leftOf = async (id: string) => (await keys.usage(id)).quota?.left
  return { keys, make, send, leftOf }
}

/** A body, and whether it was read. */
function createBody() {
  let isRead = false
  const body = () => {
    isRead = true
    return '{"event":"a"}'
  }
  return { body, isRead: () => isRead }
}

describe('a quota', () => {
  it.each([['open'], [undefined]])('is of no key whose plan has none: %s', async (plan) => {
    const { make, send } = start()
    const { key } = await make({ ...(plan !== undefined && { plan }) })
    for (let count = 0; count < 3; count++)
      for (const body of [{ event: 'a' }, () => '{"event":"a"}'])
        expect(await send(key, { body })).toBe('accepted')
  })

  it('is spent before a body is read, not before that', async () => {
    const { make, send } = start()
    const { key } = await make({ plan: 'free' })
    const bodies = [createBody(), createBody(), createBody()]
    const reasons: string[] = []
    for (const { body } of bodies) reasons.push(await send(key, { body }))
    expect(reasons).toEqual(['accepted', 'accepted', 'quota_exceeded'])
    expect(bodies.map(({ isRead }) => isRead())).toEqual([true, true, false])
  })

  it('that is spent lets requests without events through', async () => {
    const { make, send } = start()
    const { key } = await make({ plan: 'free' })
    for (let count = 0; count < 2; count++) await send(key)
    expect(await send(key)).toBe('quota_exceeded')
    expect(await send(key, { method: 'GET', body: undefined })).toBe('accepted')
    expect(await send(key, { method: 'HEAD', body: undefined })).toBe('accepted')
    for (const method of ['GET', 'HEAD'])
      expect(await send(key, { method, body: () => undefined })).toBe('accepted')
  })

  it('ends with a plan that has none', async () => {
    const { keys, make, send } = start()
    const { key, writeKey } = await make({ plan: 'free' })
    for (let count = 0; count < 2; count++) await send(key)
    await keys.update(writeKey.id, { plan: 'open' })
    expect(await send(key, createBody())).toBe('accepted')
  })

  it('gets back what a bucket refuses, once', async () => {
    const { make, send, leftOf } = start()
    const { key, writeKey } = await make({ plan: 'free', rateLimitEps: 1 })
    expect(await send(key)).toBe('accepted')
    for (let count = 0; count < 3; count++) expect(await send(key)).toBe('rate_limited')
    expect(await leftOf(writeKey.id)).toBe(1)
  })

  it('keeps what is left when a batch does not fit', async () => {
    const { make, send } = start()
    const { key } = await make({ plan: 'free' })
    const batch = (count: number) => ({
      path: '/v1/batch',
      body: { batch: Array.from({ length: count }, () => ({ type: 'track', event: 'a' })) },
    })
    expect(await send(key, batch(3))).toBe('quota_exceeded')
    expect(await send(key, batch(2))).toBe('accepted')
    expect(await send(key, batch(1))).toBe('quota_exceeded')
  })
})

describe('what is asked of quotas', () => {
  const refusals = {} as Refusals
  const usual = { credentials: credentialsOption(undefined, 'credentials'), batchFields: ['batch'] }
  const checked = (count: number): CheckedEvents => ({
    ok: true,
    events: Array.from({ length: count }, () => ({})),
    rejected: [],
    body: [],
  })
  const visitOf = (monthlyEvents: number | null) => {
    const visit = createVisit({ method: 'POST', path: '/', headers: {} }, usual)
    visit.key = { id: 'wk_1', monthlyEvents } as CompiledKey
    visit.keyId = 'wk_1'
    return visit
  }
  function record(isTaken: boolean) {
    const calls: unknown[] = []
    const month: QuotaMonth = {
      giveBack: (events) => void calls.push(['give back', events]),
      settle: (...about) => void calls.push(['settle', ...about]),
    }
    const quotas: Quotas = {
      take(...about) {
        calls.push(['take', ...about])
        return isTaken ? month : undefined
      },
      isSpent: () => false,
      untilReset: () => 0,
    }
    return { calls, charge: createQuotaCharge(quotas, refusals) }
  }

  it('is to take the events of a request, and to get them back once', () => {
    const { calls, charge } = record(true)
    const visit = visitOf(5)
    expect(charge.take(visit, checked(3))).toBe(true)
    charge.release(visit)
    charge.release(visit)
    expect(calls).toEqual([
      ['take', 'wk_1', 3, 5],
      ['give back', 3],
    ])
  })

  it('is nothing for a request without events, or a key without a quota', () => {
    const { calls, charge } = record(true)
    expect(charge.take(visitOf(5), checked(0))).toBe(true)
    expect(charge.take(visitOf(null), checked(1))).toBe(true)
    charge.release(visitOf(5))
    expect(calls).toEqual([])
  })

  it('is nothing back for what was not taken', () => {
    const { calls, charge } = record(false)
    const visit = visitOf(5)
    expect(charge.take(visit, checked(3))).toBe(false)
    charge.release(visit)
    expect(visit.isOverQuota).toBe(true)
    expect(calls).toEqual([['take', 'wk_1', 3, 5]])
  })

  it('is nothing where there are none', () => {
    const charge = createQuotaCharge(undefined, refusals)
    const visit = visitOf(5)
    expect([charge.isSpent(visit), charge.take(visit, checked(3))]).toEqual([false, true])
    expect(visit.quotaTaken).toBe(0)
  })
})

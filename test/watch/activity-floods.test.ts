import { describe, expect, it } from 'vitest'
import type { RequestDecision } from '../../src/verifier/request-decision.ts'
import { createAnomalyDetector } from '../../src/watch/anomaly-detector.ts'
import { createRecentDecisions } from '../../src/watch/recent-decisions.ts'
import { garbageCollector } from '../garbage-collector.ts'

const refused: RequestDecision = {
  reason: 'origin_not_allowed',
  keyId: 'wk_quiet',
  sourceType: 'server',
  secret: null,
  events: 0,
  rejected: 0,
  routeType: 'track',
  batchFields: ['batch'],
  body: { event: 'Signed Up' },
  origin: 'https://app.example.com',
  address: '203.0.113.7',
}

/** A text of its own, as a parser makes it out of a body. */
function longText(length: number, index: number): string {
  return JSON.parse(`"${index}-${'x'.repeat(length)}"`)
}

function detect() {
  const detector = createAnomalyDetector(
    { clock: { now: () => 0 }, report: () => {}, isSilent: () => true },
    { unseenRefusals: 1 },
  )
  return detector
}

describe('recent decisions under a flood', () => {
  it.each([
    ['one other key', 'wk_loud'],
    ['no key', null],
  ])('of %s keep what quieter keys were answered', (_, keyId) => {
    const recent = createRecentDecisions(() => 0, { size: 100 })
    for (let index = 0; index < 40; index++) recent.record(refused)
    for (let index = 0; index < 10_000; index++) recent.record({ ...refused, keyId })
    expect(recent.list({ keyId: 'wk_quiet' })).toHaveLength(40)
    expect(recent.list()).toHaveLength(100)
    expect(recent.list({}, 1)).toMatchObject([{ id: 10_040, keyId }])
  })

  it('list all keys in the order of what happened', () => {
    const recent = createRecentDecisions(() => 0)
    for (let index = 0; index < 300; index++) recent.record({ ...refused, keyId: `wk_${index % 7}` })
    expect(recent.list().map(({ id }) => id)).toEqual(Array.from({ length: 300 }, (_, index) => index + 1))
    expect(recent.list({ after: 298 }).map(({ id }) => id)).toEqual([299, 300])
  })

  it('cost memory for what they show, not for what was sent', () => {
    const recent = createRecentDecisions(() => 0, { size: 200, keepPayloads: true })
    const collect = garbageCollector()
    collect()
    const before = process.memoryUsage().heapUsed
    for (let index = 0; index < 200; index++) {
      const event = { type: longText(100_000, index), event: longText(100_000, index) }
      recent.record({
        ...refused,
        body: [event, { event: longText(100_000, index) }],
        origin: longText(50_000, index),
        address: longText(50_000, index),
      })
    }
    collect()
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(5_000_000)
    const [first] = recent.list()
    expect([first?.names[0]?.length, first?.types[0]?.length]).toEqual([200, 200])
    expect([first?.origin?.length, first?.address?.length]).toEqual([300, 300])
  })

  it('hold no half of a character where they cut', () => {
    const recent = createRecentDecisions(() => 0)
    recent.record({ ...refused, body: { event: `${'x'.repeat(199)}😀😀` }, origin: `${'x'.repeat(299)}😀` })
    const [entry] = recent.list()
    expect([entry?.names[0]?.isWellFormed(), entry?.origin?.isWellFormed()]).toEqual([true, true])
  })
})

describe('anomalies under a flood', () => {
  it('of one key keep those of the others', () => {
    const detector = detect()
    for (let index = 0; index < 20; index++)
      detector.record({ ...refused, origin: `https://q${index}.example` })
    const before = detector.list().filter(({ keyId }) => keyId === 'wk_quiet')
    for (let index = 0; index < 50_000; index++) {
      detector.record({
        ...refused,
        keyId: 'wk_loud',
        origin: `https://e${index}.example`,
        address: `2001:db8::${index.toString(16)}`,
      })
    }
    expect(detector.list().filter(({ keyId }) => keyId === 'wk_quiet')).toHaveLength(before.length)
    expect(detector.list().filter(({ keyId }) => keyId === 'wk_loud').length).toBeLessThanOrEqual(3 * 32)
  })

  it('keep other kinds of the same key', () => {
    const detector = detect()
    detector.record({
      ...refused,
      reason: null,
      events: 1,
      secret: { id: 'sec_1', createdAt: -1e12, expiresAt: null },
    })
    for (let index = 0; index < 5_000; index++)
      detector.record({ ...refused, origin: `https://e${index}.example` })
    expect(detector.list().map(({ kind }) => kind)).toContain('old_secret')
  })

  it('of many keys are bounded, and every key keeps its own', () => {
    const detector = detect()
    for (let index = 0; index < 20_000; index++) detector.record({ ...refused, keyId: `wk_${index % 400}` })
    const keys = new Set(detector.list().map(({ keyId }) => keyId))
    expect(keys.size).toBe(400)
    expect(detector.list().length).toBeLessThanOrEqual(2_000)
  })

  it('cost memory for what they show, not for what was sent', () => {
    const detector = detect()
    const collect = garbageCollector()
    collect()
    const before = process.memoryUsage().heapUsed
    for (let index = 0; index < 2_000; index++) {
      const origin = longText(50_000, index)
      detector.record({ ...refused, origin, address: origin })
      detector.record({ ...refused, reason: null, events: 1, origin, address: origin })
    }
    collect()
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(5_000_000)
    for (const { origin = '', address = '' } of detector.list()) {
      expect(origin.length + address.length).toBeLessThanOrEqual(300)
    }
  })
})

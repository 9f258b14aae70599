import { describe, expect, it, vi } from 'vitest'
import { createDecisionMeter } from '../../src/verifier/decision-counts.ts'

describe('the counts of decisions', () => {
  it('grow with each', () => {
    const { counts, accepted, refused } = createDecisionMeter()
    accepted('wk_a', 3, 1, 100)
    accepted('wk_a', 2, 1, undefined)
    refused(undefined, 'unknown_key', 20)
    refused(undefined, 'unknown_key', undefined)
    expect(counts).toMatchObject({ acceptedRequests: 2, acceptedEvents: 5, droppedEvents: 2, bodyBytes: 120 })
    expect(counts.refusedFor('unknown_key')).toBe(2)
    expect(counts.refusedFor('missing_key')).toBe(0)
  })
})

describe('the duration of verifications', () => {
  it('is taken of one in sixteen, from the first on', () => {
    const meter = createDecisionMeter()
    const timed = Array.from({ length: 33 }, () => meter.begin() > 0)
    expect(timed.flatMap((isTimed, index) => (isTimed ? [index] : []))).toEqual([0, 16, 32])
  })

  it('is told in seconds, to whoever listens then', () => {
    const now = vi.spyOn(performance, 'now').mockReturnValue(2_000)
    const meter = createDecisionMeter()
    const told: [number, boolean][] = []
    const stop = meter.onDuration((...duration) => told.push(duration))
    const startedAt = meter.begin()
    now.mockReturnValue(2_500)
    meter.ended(startedAt, true)
    meter.ended(startedAt, false)
    stop()
    meter.ended(startedAt, true)
    expect(told).toEqual([
      [0.5, true],
      [0.5, false],
    ])
  })
})

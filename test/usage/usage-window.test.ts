import { describe, expect, it } from 'vitest'
import { bucketIndex, parseUsageWindow } from '../../src/usage/usage-window.ts'

const hourMs = 3_600_000
const iso = (times: readonly number[]) => times.map((at) => new Date(at).toISOString())

describe('a usage window', () => {
  it('of days has the calendar days of its zone, today the last', () => {
    const now = Date.parse('2026-07-02T18:21:00Z')
    const { starts, to } = parseUsageWindow('30d', now, 'UTC')
    expect(starts).toHaveLength(30)
    expect(iso([starts.at(-1) as number, to])).toEqual([
      '2026-07-02T00:00:00.000Z',
      '2026-07-03T00:00:00.000Z',
    ])
    // Half past six in the evening in UTC is tomorrow in India.
    const india = parseUsageWindow('30d', Date.parse('2026-07-02T18:31:00Z'), 'Asia/Kolkata')
    expect(iso([india.starts.at(-1) as number])).toEqual(['2026-07-02T18:30:00.000Z'])
    expect(india.starts[bucketIndex(india, now) as number]).toBe(Date.parse('2026-07-01T18:30:00Z'))
  })

  it('of hours has the full hours of its zone’s clock', () => {
    const now = Date.parse('2026-07-02T18:21:00Z')
    for (const [zone, minute] of [
      ['UTC', 0],
      ['Asia/Kolkata', 30],
      ['America/St_Johns', 30],
      ['Asia/Kathmandu', 15],
    ] as const) {
      const { starts, to, from } = parseUsageWindow('24h', now, zone)
      expect(starts.map((at) => new Date(at).getUTCMinutes())).toEqual(Array(24).fill(minute))
      expect(starts.at(-1)).toBeLessThanOrEqual(now)
      expect(to).toBeGreaterThan(now)
      expect(to - from).toBe(24 * hourMs)
    }
  })

  it.each([
    ['Europe/Berlin', '2026-03-29T10:00:00Z', 23],
    ['Europe/Berlin', '2026-10-25T10:00:00Z', 25],
    ['America/St_Johns', '2026-03-08T16:00:00Z', 23],
    ['Australia/Lord_Howe', '2026-10-04T03:00:00Z', 23.5],
    // Clocks are put forward at midnight: the day begins at one.
    ['Africa/Cairo', '2026-04-24T10:00:00Z', 23],
  ])('in %s around %s has a day of %d hours, and no gap', (zone, now, hours) => {
    const { starts, to } = parseUsageWindow('8d', Date.parse(now), zone)
    const ends = [...starts.slice(1), to]
    const lengths = starts.map((start, index) => ((ends[index] as number) - start) / hourMs)
    expect(lengths).toEqual([24, 24, 24, 24, 24, 24, 24, hours])
  })

  it('refuses what is no window and no zone', () => {
    for (const window of ['0h', '31d', '721h', '1w', 7])
      expect(() => parseUsageWindow(window, 0)).toThrow(/window/)
    for (const zone of ['Mars/Olympus', '', 7, 'x'.repeat(99)])
      expect(() => parseUsageWindow('24h', 0, zone)).toThrow(/zone/)
  })

  it('finds the bucket of each moment', () => {
    const window = parseUsageWindow('8d', Date.parse('2026-03-30T10:00:00Z'), 'Europe/Berlin')
    for (const [index, start] of window.starts.entries()) {
      expect(bucketIndex(window, start)).toBe(index)
      expect(bucketIndex(window, start - 1)).toBe(index === 0 ? undefined : index - 1)
    }
    expect(bucketIndex(window, window.to)).toBeUndefined()
  })
})

import { connections, isPinned, type Subject, warmUp } from './http-subjects.ts'
import { sized } from './length.ts'
import { randomArrivals, runArrivals, runLoad } from './load.ts'
import { quantile, ratioOf, spreadOf } from './measurement.ts'
import { assertSame, report } from './report.ts'

/** Long enough for a dozen collections of garbage, which is what the slowest hundredth of the answers waits for. */
const roundMs = sized({ full: 2_000, short: 1_500, smoke: 50 })
const rounds = sized({ full: 12, short: 7, smoke: 1 })
const peakRounds = sized({ full: 5, short: 3, smoke: 1 })
const peakMs = sized({ full: 400, short: 400, smoke: 50 })

/** Milliseconds, by round. */
interface Series {
  p50: number[]
  p99: number[]
  /** By how much the load itself was late, p99. */
  late: number[]
}

/**
 * How long answers take while requests arrive at 70 % of what the slower of the two can do. They arrive when they arrive,
 * not when an answer has made room for them, and at the same moments for both.
 */
export async function reportLatency(name: string, subject: Subject, peer: Subject): Promise<void> {
  // Where the load has no processor of its own, its waiting would slow the server down.
  if (!isPinned) return
  for (const one of [subject, peer]) await warmUp(one)
  const perSecond = 0.7 * (await lowestPeak([subject, peer]))
  const series: [Series, Series] = [
    { p50: [], p99: [], late: [] },
    { p50: [], p99: [], late: [] },
  ]
  for (let round = 0; round < rounds; round++) {
    const dueMs = randomArrivals(perSecond, roundMs)
    const order = round % 2 === 0 ? [0, 1] : [1, 0]
    for (const index of order)
      await addRound(series[index] as Series, [subject, peer][index] as Subject, dueMs)
  }
  const [ours, theirs] = series
  const milliseconds = (values: readonly number[]) => spreadOf(values).median.toFixed(2)
  const rate = `${Math.round(perSecond).toLocaleString('en-US')}/s`
  report({
    name: `${name}: p50 at 70 % of the peak`,
    value: ratioOf(ours.p50, theirs.p50),
    note: `${milliseconds(ours.p50)} ms against ${milliseconds(theirs.p50)} ms at ${rate}`,
  })
  report({
    name: `${name}: p99 at 70 % of the peak`,
    value: ratioOf(ours.p99, theirs.p99),
    goal: { atMost: 1.15 },
    note: `${milliseconds(ours.p99)} ms against ${milliseconds(theirs.p99)} ms at ${rate}; the load itself was late by ${milliseconds([...ours.late, ...theirs.late])} ms`,
  })
}

async function addRound(series: Series, subject: Subject, dueMs: readonly number[]): Promise<void> {
  const { latencies, lateness, statuses } = await runArrivals({ ...subject, connections, dueMs })
  assertSame('every request is accepted', statuses, { 200: dueMs.length })
  series.p50.push(quantile(latencies, 0.5))
  series.p99.push(quantile(latencies, 0.99))
  series.late.push(quantile(lateness, 0.99))
}

async function lowestPeak(subjects: readonly Subject[]): Promise<number> {
  const peaks = subjects.map((): number[] => [])
  for (let round = 0; round < peakRounds; round++) {
    for (const [index, subject] of subjects.entries()) {
      const { answered, seconds } = await runLoad({ ...subject, connections, durationMs: peakMs })
      peaks[index]?.push(answered / seconds)
    }
  }
  return Math.min(...peaks.map((rates) => spreadOf(rates).median))
}

import type { DurationListener } from '../verifier/decision-counts.ts'
import type { Labels } from './metric.ts'

interface BucketSeries {
  readonly metricName: string
  readonly value: number
  readonly labels: Labels
}

/** A histogram in the form of Prometheus: for each bound, the number of values up to it. */
export function createBuckets(bounds: readonly number[]): {
  record: DurationListener
  read(name: string): BucketSeries[]
} {
  const make = () => ({ counts: bounds.map(() => 0), count: 0, sum: 0 })
  const outcomes = { accepted: make(), refused: make() }

  return {
    record(seconds, isAccepted) {
      const outcome = isAccepted ? outcomes.accepted : outcomes.refused
      const index = bounds.findIndex((bound) => seconds <= bound)
      if (index !== -1) outcome.counts[index] = (outcome.counts[index] as number) + 1
      outcome.count++
      outcome.sum += seconds
    },
    read(name) {
      return Object.entries(outcomes).flatMap(([outcome, { counts, count, sum }]) => {
        let below = 0
        const series = bounds.map((bound, index) => {
          below += counts[index] as number
          return { metricName: `${name}_bucket`, value: below, labels: { le: String(bound), outcome } }
        })
        return [
          ...series,
          { metricName: `${name}_bucket`, value: count, labels: { le: '+Inf', outcome } },
          { metricName: `${name}_sum`, value: sum, labels: { outcome } },
          { metricName: `${name}_count`, value: count, labels: { outcome } },
        ]
      })
    },
  }
}

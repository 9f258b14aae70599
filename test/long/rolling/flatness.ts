import type { Holdings } from '../processes/rolling-server.ts'

export interface Sample extends Holdings {
  minutes: number
}

/** The least of a window: what comes and goes is not there, what leaks is. */
const least = (samples: readonly Sample[], field: keyof Holdings) =>
  Math.min(...samples.map((sample) => sample[field]))

/** Of the second third of a run and of its last one. */
export function growth(samples: readonly Sample[], field: keyof Holdings): [before: number, after: number] {
  const third = Math.floor(samples.length / 3)
  return [least(samples.slice(third, 2 * third), field), least(samples.slice(-third), field)]
}

/** What is gained in a minute, by least squares over the second half. */
export function slopeOf(all: readonly Sample[], field: keyof Holdings): number {
  const samples = all.slice(all.length / 2)
  const mean = (one: keyof Sample) => samples.reduce((sum, sample) => sum + sample[one], 0) / samples.length
  const [minutes, value] = [mean('minutes'), mean(field)]
  let covariance = 0
  let variance = 0
  for (const sample of samples) {
    covariance += (sample.minutes - minutes) * (sample[field] - value)
    variance += (sample.minutes - minutes) ** 2
  }
  return covariance / variance
}

import { sized } from './length.ts'

/** One figure with its spread over the rounds of a run. */
export interface Spread {
  median: number
  /** First and third quartile: half of the rounds lie between them. */
  low: number
  high: number
}

/** Median and quartiles of at least one value. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b)
  return { median: quantile(sorted, 0.5), low: quantile(sorted, 0.25), high: quantile(sorted, 0.75) }
}

/** Ratios of two series, taken round by round: what disturbs one round disturbs both of its halves. */
export function ratioOf(subject: readonly number[], peer: readonly number[]): Spread {
  return spreadOf(subject.map((value, round) => value / (peer[round] as number)))
}

/** @param sorted ascending, not empty */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  const position = (sorted.length - 1) * share
  const below = Math.floor(position)
  const value = sorted[below] as number
  const next = sorted[Math.min(below + 1, sorted.length - 1)] as number
  return value + (next - value) * (position - below)
}

/** Runs something `count` times in a row. */
export type Repeat = (count: number) => unknown

const warmUpMs = sized({ full: 250, short: 250, smoke: 1 })
const sliceMs = sized({ full: 12, short: 12, smoke: 1 })

/**
 * Times several functions against each other: after a warm-up, rounds of short slices in turn, so that a busy moment of
 * the machine falls on all of them. Gives nanoseconds of processor time per call, those of the garbage collector's threads included,
 * one value per round: other work on the machine would count in the time that passes.
 */
export async function timeInTurn<Name extends string>(
  subjects: Record<Name, Repeat>,
  rounds = 41,
): Promise<Record<Name, number[]>> {
  const names = Object.keys(subjects) as Name[]
  const counts = {} as Record<Name, number>
  const times = {} as Record<Name, number[]>
  for (const name of names) {
    counts[name] = await countFor(subjects[name])
    times[name] = []
  }
  for (let round = 0; round < sized({ full: rounds, short: rounds, smoke: 1 }); round++) {
    // The order turns, so that nobody always runs behind the same neighbour.
    for (let index = 0; index < names.length; index++) {
      const name = names[(index + round) % names.length] as Name
      const started = process.cpuUsage()
      await subjects[name](counts[name])
      const { user, system } = process.cpuUsage(started)
      times[name].push(((user + system) * 1_000) / counts[name])
    }
  }
  return times
}

/** Warms a function up and says how many calls fill a slice. */
async function countFor(repeat: Repeat): Promise<number> {
  let count = 1
  const end = performance.now() + warmUpMs
  for (;;) {
    const started = performance.now()
    await repeat(count)
    const elapsed = performance.now() - started
    if (performance.now() > end && elapsed > 0) return Math.max(1, Math.round((count * sliceMs) / elapsed))
    if (elapsed < sliceMs) count *= 2
  }
}

/** Bytes that `make` leaves on the heap and in array buffers. Needs `--expose-gc`. */
export async function retainedBytes(make: () => unknown): Promise<number> {
  const before = await usedBytes()
  const kept = await make()
  const after = await usedBytes()
  // Read after the measurement, so that nothing is collected before it.
  return kept === undefined ? Number.NaN : after - before
}

export async function usedBytes(): Promise<number> {
  const { gc } = globalThis as { gc?: () => void }
  if (gc === undefined) throw new Error('run with node --expose-gc')
  for (let pass = 0; pass < 3; pass++) {
    gc()
    await new Promise((resolve) => setImmediate(resolve))
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

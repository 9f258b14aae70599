import type { Counts } from '../api/wire.ts'

export interface ChartBucket {
  /** On the axis. */
  label: string
  /** In full, for the tooltip and the table. */
  title: string
  accepted: Counts
  refused: Counts
}

export function sum(counts: Counts): number {
  return Object.values(counts).reduce((total, count) => total + count, 0)
}

/** Most first. */
export function entries(counts: Counts): [string, number][] {
  return Object.entries(counts).sort((a, b) => b[1] - a[1])
}

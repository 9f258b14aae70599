import { spreadOf } from './measurement.ts'
import { report } from './report.ts'

/** The longest stalls of each round in milliseconds, and what the process did of them: other work of the machine is none of it. */
export interface Stalls {
  longest: number[]
  busy: number[]
  /** How long the work took. */
  took: number[]
}

/** How long `work`, done so many times, keeps the event loop from everybody else. */
export async function stallsOf(rounds: number, work: () => Promise<unknown>): Promise<Stalls> {
  const stalls: Stalls = { longest: [], busy: [], took: [] }
  for (let round = 0; round < rounds; round++) {
    let longest = 0
    let busy = 0
    let last = performance.now()
    let used = process.cpuUsage()
    const timer = setInterval(() => {
      const now = performance.now()
      const { user, system } = process.cpuUsage(used)
      longest = Math.max(longest, now - last)
      busy = Math.max(busy, (user + system) / 1_000)
      last = now
      used = process.cpuUsage()
    }, 1)
    await pause(5)
    const startedAt = performance.now()
    await work()
    stalls.took.push(performance.now() - startedAt)
    await pause(5)
    clearInterval(timer)
    stalls.longest.push(longest)
    stalls.busy.push(busy)
  }
  return stalls
}

/** A row of the table. The goal is that of the project: 50 ms. */
export function reportStalls(name: string, { longest, busy }: Stalls, note: string): void {
  const busyMs = Math.round(spreadOf(busy).median)
  report({
    name,
    value: spreadOf(longest),
    unit: 'ms',
    goal: { atMost: 50 },
    note: `${busyMs} ms of processor time; ${note}`,
  })
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

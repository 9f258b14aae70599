import { type ChildProcess, fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import type { SenderReport, SenderTask } from './redis-sender.ts'

/** Several real processes that share one key. */
export interface FleetTask extends Omit<SenderTask, 'prefix' | 'offeredEps' | 'skewMs'> {
  /** Events per second that each process offers; its length is the number of processes. */
  offeredEps: readonly number[]
  /** How far the clocks of odd processes are ahead, in milliseconds. */
  skewMs?: number
}

export interface FleetReport extends Omit<SenderReport, 'seconds'> {
  /** Longest time that any process worked. */
  seconds: number
  /** Events that the rate allows in that time: a full bucket and what it refills. */
  limit: number
  /** What may be admitted above the limit, as the documentation states it. */
  excess: number
  byProcess: readonly number[]
}

/**
 * Runs the fleet and adds up what its processes saw.
 *
 * @param senderFile a module that runs `runSender` on the JSON in its last argument
 */
export async function runFleet(senderFile: string, fleet: FleetTask): Promise<FleetReport> {
  const prefix = `fleet:${randomUUID()}:`
  const { offeredEps, skewMs = 0, ...rest } = fleet
  const children = offeredEps.map((offered, index) => {
    const task: SenderTask = { ...rest, prefix, offeredEps: offered, skewMs: index % 2 === 1 ? skewMs : 0 }
    return fork(senderFile, ['sender', JSON.stringify(task)], { execArgv: ['--no-warnings'] })
  })
  try {
    await Promise.all(children.map((child) => nextMessage(child)))
    const startAt = Date.now() + 300
    const reports = await Promise.all(
      children.map(async (child) => {
        const report = nextMessage(child)
        child.send(startAt)
        return (await report) as SenderReport
      }),
    )
    return sumUp(fleet, reports)
  } finally {
    for (const child of children) child.kill()
  }
}

function sumUp(fleet: FleetTask, reports: readonly SenderReport[]): FleetReport {
  const sum = (field: keyof SenderReport) => reports.reduce((total, report) => total + report[field], 0)
  const longest = (field: keyof SenderReport) => Math.max(...reports.map((report) => report[field]))
  const { eps, burst } = fleet.rate
  const seconds = longest('seconds')
  return {
    offered: sum('offered'),
    admitted: sum('admitted'),
    admittedRequests: sum('admittedRequests'),
    errors: sum('errors'),
    commands: sum('commands'),
    local: sum('local'),
    longestMs: longest('longestMs'),
    degraded: sum('degraded'),
    seconds,
    limit: burst + eps * seconds,
    excess: fleet.mode === 'strict' ? 0 : eps * Math.min(0.1 * reports.length, 3),
    byProcess: reports.map((report) => report.admitted),
  }
}

function nextMessage(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    child.once('message', resolve)
    child.once('exit', (code) => reject(new Error(`a process of the fleet ended with ${code}`)))
  })
}

import type { Outage } from '../cache/outages.ts'
import type { Awaitable } from '../runtime/awaitable.ts'
import type { Clock } from '../runtime/clock.ts'
import { inBackground } from '../runtime/timers.ts'
import type { FleetStore } from '../stores/fleet-store.ts'
import { createMemoryFleet } from '../stores/memory-fleet.ts'
import type { RequestDecision } from '../verifier/request-decision.ts'
import type { Anomaly, AnomalyOptions } from './anomaly.ts'
import { type AnomalySurroundings, createAnomalyDetector } from './anomaly-detector.ts'
import { createDecisionSharing } from './decision-sharing.ts'
import { createProblemCounter, type Problem } from './problems.ts'
import { nameProcess } from './process-names.ts'
import { isTestEvent } from './recent-decision.ts'
import {
  createRecentDecisions,
  type RecentDecisions,
  type RecentDecisionsOptions,
} from './recent-decisions.ts'
import { createSampling, turnMs } from './sampling.ts'
import { createSightingBook, type SightingsQuery } from './sighting-book.ts'

/** What is watched of this process's traffic. */
export interface ActivityOptions extends RecentDecisionsOptions {
  /** When something counts as unusual. `false`: no anomalies. */
  anomalies?: AnomalyOptions | false | undefined
  /** The name of this process in the debugger. 1 to 80 characters. Default: host name and process id. */
  processName?: string | undefined
}

/**
 * The traffic of all processes that share the store: recent decisions, and what is unusual. With a store that
 * does not carry it between processes (`KeyStore.fleet`), the traffic of this process.
 */
export interface Activity {
  /** Whether other processes are seen as well. */
  readonly scope: 'fleet' | 'process'
  /** The name of this process. */
  readonly processName: string
  /** Decisions of this process and, while somebody subscribes or after `refresh`, of the others. */
  readonly decisions: Pick<RecentDecisions, 'list' | 'latestId' | 'subscribe'>
  /** Fetches what the others have decided. Takes about a second when nobody has looked for a while. */
  refresh(): Promise<void>
  /** What is unusual in the traffic of this process, latest first. */
  anomalies(): Anomaly[]
  /** What is unusual in the traffic of all, latest first. Rejects when the store does. */
  listAnomalies(query?: SightingsQuery): Promise<Anomaly[]>
  /** Refusals that are alike, counted together for seven days, latest first. Rejects when the store does. */
  listProblems(query?: SightingsQuery): Promise<Problem[]>
}

/** An activity, and what feeds and ends it. */
export interface ActivityWatch extends Activity {
  record(decision: RequestDecision): void
  /** Whether somebody looks at decisions, as the store says. */
  told(isWatched: boolean): void
  /** Forgets what was watched of a key that nobody can use any more. What has been found stays listed. */
  forget(keyId: string): void
  close(): Awaitable<void>
}

export interface ActivitySurroundings extends AnomalySurroundings {
  clock: Clock
  store: FleetStore | undefined
  /** Whether other processes may use the store. */
  isShared: boolean
  /** How long sightings may wait before they are stored, in milliseconds. */
  flushMs: number
  pollMs: () => number
  /** Begins to poll the store, for a process that has decisions although it has not looked up a key. */
  beginPolling: () => void
  /** What fails for one of them need not fail for the other. */
  outageOf: (part: 'problems' | 'decisions') => Outage
}

export function createActivity(
  surroundings: ActivitySurroundings,
  options: ActivityOptions = {},
): ActivityWatch {
  const { clock, store } = surroundings
  const process = nameProcess(options.processName)
  const decisions = createRecentDecisions(() => clock.now(), options, process)
  const detector =
    options.anomalies === false ? undefined : createAnomalyDetector(surroundings, options.anomalies)
  const problems = createProblemCounter()
  const sampling = createSampling()
  const book = createSightingBook({
    ...surroundings,
    store: store ?? createMemoryFleet(() => clock.now()),
    problems,
    anomalies: () => detector?.list() ?? [],
  })
  // The first pruning touches every table of this: a right that is missing is told now, not when it is needed.
  if (surroundings.isShared) book.schedule()
  const { takeSkipped } = sampling
  const sharing =
    store === undefined || !surroundings.isShared
      ? undefined
      : createDecisionSharing({ ...surroundings, store, process, decisions, takeSkipped })
  const turns = createTurns(sampling.turn, () => detector?.check())
  let hasBegun = false

  function describe(decision: RequestDecision): void {
    const { keyId, reason } = decision
    const owner = keyId === null || reason === null ? keyId : `refused ${keyId}`
    if (!decisions.isHeard() && !sampling.admits(owner)) return
    if (!hasBegun && sharing !== undefined) surroundings.beginPolling()
    hasBegun = true
    const described = decisions.record(decision)
    sharing?.note(described)
  }

  return {
    scope: sharing === undefined ? 'process' : 'fleet',
    processName: process.name,
    decisions: {
      list: decisions.list,
      latestId: decisions.latestId,
      subscribe(...listeners) {
        const end = decisions.subscribe(...listeners)
        const leave = sharing?.look()
        return () => {
          end()
          leave?.()
        }
      },
    },
    refresh: async () => sharing?.hear(),
    anomalies: () => detector?.list() ?? [],
    listAnomalies: book.listAnomalies,
    listProblems: book.listProblems,
    record(decision) {
      try {
        if (decision.reason === 'client_aborted') return
        turns.begin()
        describe(decision)
        if (isTestEvent(decision.request)) return
        detector?.record(decision)
        if (decision.reason === null) return
        problems.note(decision, clock.now())
        book.schedule()
      } catch {
        // Watching must never change a decision.
      }
    },
    told: (isWatched) => sharing?.told(isWatched),
    forget: (keyId) => detector?.forget(keyId),
    close() {
      turns.end()
      sharing?.close()
      decisions.close()
      return book.close()
    },
  }
}

/** Begun by the first decision: Workers set no timer while they load. @param eachSecond volume is judged: windows are longer. */
function createTurns(eachTurn: () => void, eachSecond: () => void) {
  let turns = 0
  let timer: NodeJS.Timeout | undefined
  let hasEnded = false
  function next() {
    eachTurn()
    turns++
    if (turns % (1_000 / turnMs) === 0) eachSecond()
  }

  return {
    begin() {
      if (!hasEnded) timer ??= inBackground(setInterval(next, turnMs))
    },
    end() {
      hasEnded = true
      clearInterval(timer)
    },
  }
}

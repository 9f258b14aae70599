import type { RequestDecision } from '../verifier/request-decision.ts'
import {
  type Anomaly,
  type AnomalyOptions,
  type AnomalySurroundings,
  createAnomalyDetector,
} from './anomalies.ts'
import {
  createRecentDecisions,
  type RecentDecisions,
  type RecentDecisionsOptions,
} from './recent-decisions.ts'

/** What is watched of the traffic of this process. */
export interface ActivityOptions extends RecentDecisionsOptions {
  /** Thresholds; `false` = no anomalies. */
  anomalies?: AnomalyOptions | false
}

/** The traffic of this process: what was decided lately, and what is unusual. */
export interface Activity {
  readonly decisions: Pick<RecentDecisions, 'list' | 'subscribe'>
  /** Latest first. */
  anomalies(): Anomaly[]
}

/** An activity, with what feeds and ends it. */
export interface ActivityWatch extends Activity {
  record(decision: RequestDecision): void
  /** Lets go of what was watched of a key that nobody can use any more. What has been found stays listed. */
  forget(keyId: string): void
  close(): void
}

/** How often volume is judged; windows are longer. */
const checkEveryMs = 1_000

export function createActivity(
  surroundings: AnomalySurroundings,
  options: ActivityOptions = {},
): ActivityWatch {
  const { clock } = surroundings
  const decisions = createRecentDecisions(() => clock.now(), options)
  const detector =
    options.anomalies === false ? undefined : createAnomalyDetector(surroundings, options.anomalies)
  const timer = detector && setInterval(detector.check, checkEveryMs).unref()
  return {
    decisions,
    anomalies: () => detector?.list() ?? [],
    record(decision) {
      try {
        decisions.record(decision)
        if (decision.reason !== 'client_aborted') detector?.record(decision)
      } catch {
        // Watching must never change what is decided.
      }
    },
    forget: (keyId) => detector?.forget(keyId),
    close() {
      clearInterval(timer)
      decisions.close()
    },
  }
}

import type { Clock } from '../runtime/clock.ts'
import type { AnomalyKind } from '../verifier/decision-event.ts'
import type { Anomaly } from './anomaly.ts'
import { createFairShares } from './fair-shares.ts'

/** What is particular about an anomaly of its kind. */
type AnomalyDetails = Pick<Anomaly, 'origin' | 'address' | 'secretId' | 'secretAt' | 'observed' | 'expected'>

/** What is unusual now, in bounded memory. */
export interface AnomalyList {
  /**
   * Something unusual was seen, perhaps again.
   * @param firstCount how often it had been seen when it became worth a note. Default 1.
   */
  note(kind: AnomalyKind, keyId: string, details: AnomalyDetails, firstCount?: number): void
  /** Forgets what has not been seen for so long. */
  prune(keepMs: number): void
  /** Latest first. */
  all(): Anomaly[]
}

const maxAnomalies = 2_000
/** Of one kind and key: a sender can make up origins, and must not get more room by it. */
const maxPerKind = 32
/** Traffic keeps repeating; hooks are called again only after such a pause. */
const repeatMs = 3_600_000

/** @param report called when an anomaly begins. */
export function createAnomalyList(
  clock: Pick<Clock, 'now'>,
  report: (anomaly: Anomaly) => void,
): AnomalyList {
  const anomalies = createFairShares<string, string, Anomaly>(maxAnomalies)

  /** The one seen least recently goes. */
  function makeRoom(keyId: string, kind: AnomalyKind): void {
    const alike = anomalies.of(keyId).filter((anomaly) => anomaly.kind === kind)
    const [oldest] = alike
    if (oldest !== undefined && alike.length >= maxPerKind) anomalies.delete(keyId, oldest.id)
  }

  return {
    note(kind, keyId, details, firstCount = 1) {
      const id = [kind, keyId, details.origin ?? details.address ?? details.secretId]
        .filter(Boolean)
        .join(':')
      const now = clock.now()
      const known = anomalies.get(keyId, id)
      const anomaly: Anomaly = {
        id,
        kind,
        keyId,
        firstAt: known?.firstAt ?? now,
        lastAt: now,
        count: known === undefined ? firstCount : known.count + 1,
        ...details,
      }
      if (known === undefined) makeRoom(keyId, kind)
      anomalies.set(keyId, id, anomaly)
      if (known === undefined || now - known.lastAt >= repeatMs) report(anomaly)
    },
    prune(keepMs) {
      const now = clock.now()
      for (const { keyId, id, lastAt } of anomalies.all())
        if (now - lastAt > keepMs) anomalies.delete(keyId, id)
    },
    all: () => anomalies.all().sort((a, b) => b.lastAt - a.lastAt),
  }
}

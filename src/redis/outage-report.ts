import { inBackground } from '../runtime/timers.ts'
/** Reports an outage once, even when the server comes and goes before it is over. */
export interface OutageReport {
  /** @param again whether to report it although it has been reported: the cause has changed. */
  down(error: Error, again?: boolean): void
  up(): void
  /** How long to leave a server alone that has just failed again. */
  pauseMs(): number
  close(): void
}

export interface OutageReportOptions {
  onDown: (error: Error) => void
  onUp: () => void
}

/** The server must hold this long before it counts as back; twice as long after each relapse. */
const settleMs = 500
const longestSettleMs = 10_000
const pauseMs = 100
const longestPauseMs = 2_000
/** A failure later than this after the last one is no relapse. */
const calmMs = 60_000

export function createOutageReport({ onDown, onUp }: OutageReportOptions): OutageReport {
  let told: string | undefined
  let relapses = 0
  let upAt = Number.NEGATIVE_INFINITY
  let settling: NodeJS.Timeout | undefined

  return {
    down(error, again = false) {
      clearTimeout(settling)
      if (!again) relapses = performance.now() - upAt < calmMs ? relapses + 1 : 0
      if (told !== undefined && !(again && told !== error.message)) return
      told = error.message
      onDown(error)
    },
    up() {
      upAt = performance.now()
      const longEnoughMs = Math.min(longestSettleMs, settleMs * 2 ** relapses)
      settling = inBackground(
        setTimeout(() => {
          told = undefined
          onUp()
        }, longEnoughMs),
      )
    },
    pauseMs: () => Math.min(longestPauseMs, pauseMs * 2 ** relapses),
    close: () => clearTimeout(settling),
  }
}

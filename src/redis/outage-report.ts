import { inBackground } from '../runtime/timers.ts'
/** Tells of an outage once, however often the server comes and goes before it is over. */
export interface OutageReport {
  /** @param again whether to tell even though an outage has been told: what is wrong has changed. */
  down(error: Error, again?: boolean): void
  up(): void
  /** How long to stay away from a server that has just failed once more. */
  pauseMs(): number
  close(): void
}

export interface OutageReportOptions {
  onDown: (error: Error) => void
  onUp: () => void
}

/**
 * The server has to hold for so long before it is said to be back; twice as long each time it fails again.
 */
const settleMs = 500
const longestSettleMs = 10_000
const pauseMs = 100
const longestPauseMs = 2_000
/** A failure that comes later than this after the last one is no relapse. */
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

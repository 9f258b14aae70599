import { inBackground } from '../runtime/timers.ts'

/** What the log has said of a part that can fail, so that one which comes and goes does not fill it. */
export interface ToldState {
  /** @returns whether to tell this fault: not while one of the same kind is told, and not yet told as over. */
  failed(kind: string): boolean
  /** It works again. Calls `tell` at once, or after a relapse only once it has worked for some time. */
  works(tell: () => void): void
}

/** A failure this soon after the last one was over is a relapse. */
const calmMs = 60_000
/** How long it has to work after the first relapse; twice as long after each further one. */
const firstPauseMs = 5_000
const longestPauseMs = 300_000

export function createToldState(): ToldState {
  const told = new Set<string>()
  let relapses = 0
  let worksSince = Number.NEGATIVE_INFINITY
  let isFailing = false
  let telling: NodeJS.Timeout | undefined

  return {
    failed(kind) {
      clearTimeout(telling)
      if (!isFailing) relapses = performance.now() - worksSince < calmMs ? relapses + 1 : 0
      isFailing = true
      if (told.has(kind)) return false
      told.add(kind)
      return true
    },
    works(tell) {
      isFailing = false
      worksSince = performance.now()
      clearTimeout(telling)
      const tellNow = () => {
        told.clear()
        tell()
      }
      if (relapses === 0) {
        tellNow()
        return
      }
      const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(10, relapses - 1))
      telling = inBackground(setTimeout(tellNow, pauseMs))
    },
  }
}

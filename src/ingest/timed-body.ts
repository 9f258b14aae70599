import type { ReadBody } from '../http/ingest-request.ts'
import { inBackground } from '../runtime/timers.ts'

/** A body that must arrive within a time. */
export interface TimedBody {
  readonly read: ReadBody
  /** Whether it did not. */
  isLate(): boolean
}

/**
 * @param read reads the body as it comes
 * @param mostBytes upper limit, whatever larger limit the caller has
 */
export function createTimedBody(read: ReadBody, mostBytes: number, timeoutMs: number): TimedBody {
  let late = false
  return {
    isLate: () => late,
    async read(maxBytes, hold = () => true) {
      let timer: ReturnType<typeof setTimeout> | undefined
      const end = new Promise<never>((_, reject) => {
        timer = inBackground(
          setTimeout(() => {
            late = true
            reject(Object.assign(new Error('The request body took too long.'), { code: 'client_aborted' }))
          }, timeoutMs),
        )
      })
      try {
        const bytes = read(Math.min(maxBytes, mostBytes), (count, giveUp) => !late && hold(count, giveUp))
        return await Promise.race([bytes, end])
      } finally {
        clearTimeout(timer)
      }
    },
  }
}

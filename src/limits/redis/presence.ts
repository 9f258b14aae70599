import { randomUUID } from 'node:crypto'
import { presenceScript } from './presence-script.ts'
import type { RedisLink } from './redis-link.ts'

/** Counts the processes that share a limiter, so that each knows its part of a rate when it is alone. */
export interface Presence {
  /** How many there were when the server last said so, this one included. */
  count(): number
  /** Says that this process is there, and hears how many are. */
  announce(run: RedisLink['run']): Promise<void>
  leave(run: RedisLink['run']): Promise<void>
}

export const announceEveryMs = 10_000
/** The first word comes before the others of a fleet have said theirs. */
export const announceAgainMs = 1_000
const patienceMs = 3 * announceEveryMs

/** @param given the number of processes, when the application knows better. */
export function createPresence(key: string, given: number | undefined): Presence {
  const processId = randomUUID()
  let counted = 1
  return {
    count: () => given ?? counted,
    async announce(run) {
      counted = Math.max(1, Number(await run(presenceScript, key, [processId, String(patienceMs)])) || 1)
    },
    async leave(run) {
      await run(presenceScript, key, [processId, '0'])
    },
  }
}

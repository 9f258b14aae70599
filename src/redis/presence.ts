import { randomUUID } from 'node:crypto'
import type { RedisLink } from './link.ts'
import { longestPresenceMs, presenceScript } from './presence-script.ts'

/** Counts the processes that share a limiter, so that each knows its part of a rate when it is alone. */
export interface Presence {
  /** How many there were when the server last said so, this one included. */
  count(): number
  /** Says that this process is there, and hears how many are. */
  announce(run: RedisLink['run']): Promise<void>
  leave(run: RedisLink['run']): Promise<void>
  /** When to say so again, in milliseconds. */
  nextMs(): number
}

/**
 * The more there are, the less one that has died matters: a word every second from up to five processes, and
 * from a larger fleet as many as it can have within its commands per admitted event.
 */
const msPerPair = 40
const shortestMs = 1_000
const longestMs = 10_000
/** A process that is late by so much, beyond one word that it missed, still counts. */
const graceMs = 500

/** @param given the number of processes, when the application knows better. */
export function createPresence(key: string, given: number | undefined): Presence {
  const processId = randomUUID()
  let counted = 1
  let countsUntil = 0
  /** For how long the last word counts. */
  let lifeMs = 2 * shortestMs + graceMs
  const intervalMs = () => Math.min(longestMs, Math.max(shortestMs, msPerPair * counted ** 2))

  return {
    count: () => given ?? counted,
    // A fleet that has just turned out to be large does not make the last word count for longer.
    nextMs: () => Math.min(intervalMs(), (lifeMs - graceMs) / 2),
    async announce(run) {
      lifeMs = Math.min(longestPresenceMs, 2 * intervalMs() + graceMs)
      const expected = performance.now() < countsUntil
      const [count, added] = String(await run(presenceScript, key, [processId, String(Math.ceil(lifeMs))]))
        .split(' ')
        .map(Number)
      const now = Math.max(1, count as number) || 1
      // The server has lost the set: the others are there until they have had time to say so again.
      counted = expected && added === 1 ? Math.max(counted, now) : now
      countsUntil = performance.now() + lifeMs - graceMs
    },
    async leave(run) {
      await run(presenceScript, key, [processId, '0'])
    },
  }
}

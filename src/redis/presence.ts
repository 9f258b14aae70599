import { randomUUID } from 'node:crypto'
import { inBackground } from '../runtime/timers.ts'
import type { RedisLink } from './link.ts'
import { longestPresenceMs, presenceScript } from './presence-script.ts'
import type { RunScript } from './script-runner.ts'

/** Counts the processes that share a limiter, so that each knows its part of a rate during an outage. */
export interface Presence {
  /** The last count of the server, this process included. */
  count(): number
  /** Announces this process, and learns how many there are. */
  announce(run: RunScript): Promise<void>
  leave(run: RunScript): Promise<void>
  /** Milliseconds until the next announcement. */
  nextMs(): number
}

/** Announces this process again and again. */
export interface Announcer {
  /** Not at construction: making a limiter opens, sends and schedules nothing. */
  start(): void
  pause(): void
  /** Takes this process out of the count. */
  leave(): Promise<void>
}

/**
 * The more processes there are, the less a dead one matters. Up to five announce themselves every second; a
 * larger fleet as often as its commands per admitted event allow.
 */
const msPerPair = 40
const shortestMs = 1_000
const longestMs = 10_000
/** A process that is this late, after one missed announcement, still counts. */
const graceMs = 500

/** @param given the number of processes, when the application knows better. */
export function createPresence(key: string, given: number | undefined): Presence {
  const processId = randomUUID()
  let counted = 1
  let countsUntil = 0
  /** For how long the last announcement counts. */
  let lifeMs = 2 * shortestMs + graceMs
  const intervalMs = () => Math.min(longestMs, Math.max(shortestMs, msPerPair * counted ** 2))

  return {
    count: () => given ?? counted,
    // A fleet that has just turned out to be large does not make the last announcement count for longer.
    nextMs: () => Math.min(intervalMs(), (lifeMs - graceMs) / 2),
    async announce(run) {
      lifeMs = Math.min(longestPresenceMs, 2 * intervalMs() + graceMs)
      const expected = performance.now() < countsUntil
      const [count, added] = String(await run(presenceScript, key, [processId, String(Math.ceil(lifeMs))]))
        .split(' ')
        .map(Number)
      const now = Math.max(1, count as number) || 1
      // The server has lost the set: the others count until they have had time to announce themselves again.
      counted = expected && added === 1 ? Math.max(counted, now) : now
      countsUntil = performance.now() + lifeMs - graceMs
    },
    async leave(run) {
      await run(presenceScript, key, [processId, '0'])
    },
  }
}

export function createAnnouncer(presence: Presence, link: Pick<RedisLink, 'isUp' | 'run'>): Announcer {
  let timer: NodeJS.Timeout | undefined

  function announce(): void {
    timer = inBackground(setTimeout(announce, presence.nextMs()))
    if (link.isUp()) presence.announce(link.run).catch(() => {})
  }

  return {
    start() {
      if (timer === undefined) announce()
    },
    pause: () => clearTimeout(timer),
    async leave() {
      if (link.isUp() && timer !== undefined) await presence.leave(link.run).catch(() => {})
    },
  }
}

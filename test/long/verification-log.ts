import { readFileSync } from 'node:fs'

/** A call that ended a key, on the clock that all processes share. */
export interface Change {
  action: 'revoke' | 'pause' | 'rotate' | 'remove'
  calledAt: number
  /** When the store had written it. Left out where nobody has looked. */
  committedAt?: number
  returnedAt: number
  /** The call that let the key be accepted again. */
  resume?: { calledAt: number; returnedAt: number }
}

/** One verification, as a verifier has logged it. */
interface Verification {
  index: number
  start: number
  end: number
  accepted: boolean
  isPaused: boolean
}

export function readLog(file: string): Verification[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [index, start, end, outcome] = line.split(' ')
      return {
        index: Number(index),
        start: Number(start),
        end: Number(end),
        accepted: outcome === 'accepted',
        isPaused: outcome === 'key_paused',
      }
    })
}

/**
 * The rule: no accepted verification starts after the change of its key has returned, and none is refused for a
 * pause that starts after the key has been resumed.
 */
export function check(history: readonly Verification[], changes: ReadonlyMap<number, Change>) {
  const lastAccepted = new Map<number, number>()
  const violations: Verification[] = []
  const refused = new Set<number>()
  const resumed = new Set<number>()
  let accepted = 0
  for (const one of history) {
    const change = changes.get(one.index)
    const { calledAt: resumedFrom, returnedAt: resumedBy } = change?.resume ?? never
    if (one.accepted) {
      accepted++
      if (one.start > resumedBy) resumed.add(one.index)
      // What ends behind the call that resumes may have been accepted by it.
      if (one.end > resumedFrom) continue
      lastAccepted.set(one.index, Math.max(one.start, lastAccepted.get(one.index) ?? 0))
      if (change !== undefined && one.start > change.returnedAt) violations.push(one)
    } else {
      if (change !== undefined && one.start > change.calledAt) refused.add(one.index)
      if (one.isPaused && one.start > resumedBy) violations.push(one)
    }
  }
  /** How long after `since` a key was accepted anywhere, of each that was refused in the end. */
  const acceptedAfter = (since: (change: Change) => number | undefined) =>
    [...changes].flatMap(([index, change]) => {
      const [last, began] = [lastAccepted.get(index), since(change)]
      if (last === undefined || began === undefined || !refused.has(index)) return []
      return [Math.max(0, last - began)]
    })
  const propagation = {
    afterCall: acceptedAfter(({ calledAt }) => calledAt),
    afterCommit: acceptedAfter(({ committedAt }) => committedAt),
  }
  return { violations, propagation, accepted, resumed: resumed.size }
}

const never = { calledAt: Number.POSITIVE_INFINITY, returnedAt: Number.POSITIVE_INFINITY }

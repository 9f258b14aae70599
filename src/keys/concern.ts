import { effectiveStatusOf } from './effective-status.ts'
import type { KeyStatus } from './key-status.ts'

/**
 * Why somebody should look at a key that is in use. `grace_ending`: an earlier secret ends within a day.
 * `old_secret`: it has sent events within 30 days, with a secret made more than 90 days ago. `unused`: it is
 * older than 30 days, and has sent nothing within them.
 */
export type Concern = 'grace_ending' | 'old_secret' | 'unused'

export const concerns = ['grace_ending', 'old_secret', 'unused'] as const satisfies readonly Concern[]

const dayMs = 86_400_000
/** The documents ask for rotation at least quarterly. */
export const rotateAfterMs = 90 * dayMs

/** Moments that a key's times are compared with, by what it is asked about at `at`. Milliseconds. */
export function concernTimes(at: number) {
  return { graceEndsBefore: at + dayMs, oldBefore: at - rotateAfterMs, unusedSince: at - 30 * dayMs }
}

/** Imports only types and pure functions, so that the page can use it. @param lastEventAt 0 = it had no event. */
export function hasConcern(
  key: {
    readonly status: KeyStatus
    readonly createdAt: number
    readonly expiresAt: number | null
    readonly secrets: readonly { readonly createdAt: number; readonly expiresAt: number | null }[]
  },
  { is, at }: { is: Concern; at: number },
  lastEventAt: number,
): boolean {
  const status = effectiveStatusOf(key, at)
  if (status !== 'active' && status !== 'rotating') return false
  const { graceEndsBefore, oldBefore, unusedSince } = concernTimes(at)
  const isUsed = lastEventAt > unusedSince
  switch (is) {
    case 'grace_ending':
      return key.secrets.some(({ expiresAt: end }) => end !== null && end > at && end < graceEndsBefore)
    case 'old_secret':
      return isUsed && key.secrets.some((secret) => secret.expiresAt === null && secret.createdAt < oldBefore)
    case 'unused':
      return !isUsed && key.createdAt < unusedSince
  }
}

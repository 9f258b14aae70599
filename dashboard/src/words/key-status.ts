import type { Secret, WriteKey } from '../api/wire.ts'

/** What people need to know about a key; the server knows active, paused and revoked, the rest follows from the times. */
export type KeyStatus = 'active' | 'rotating' | 'paused' | 'revoked' | 'expired'

const dayMs = 86_400_000
/** The documents ask for rotation at least quarterly. */
export const rotateAfterMs = 90 * dayMs

export function statusOf(key: WriteKey, now: number): KeyStatus {
  if (key.status === 'revoked') return 'revoked'
  if (key.expires_at !== null && Date.parse(key.expires_at) <= now) return 'expired'
  if (key.status === 'paused') return 'paused'
  return graceEnd(key, now) === null ? 'active' : 'rotating'
}

/** When the last of the rotated secrets ends; null when none is accepted any more. */
export function graceEnd(key: WriteKey, now: number): string | null {
  const ends = key.secrets
    .map(({ expires_at }) => expires_at)
    .filter((end): end is string => end !== null && Date.parse(end) > now)
  return ends.sort().at(-1) ?? null
}

/** The secret that senders should use. */
export function currentSecret(key: WriteKey): Secret | undefined {
  return key.secrets.findLast(({ expires_at }) => expires_at === null)
}

/** Days since the current secret was made, when that is too long ago; else null. */
export function staleDays(key: WriteKey, now: number): number | null {
  const secret = currentSecret(key)
  if (secret === undefined || key.status === 'revoked') return null
  const age = now - Date.parse(secret.created_at)
  return age > rotateAfterMs ? Math.floor(age / dayMs) : null
}

import { rotateAfterMs } from '../../../src/keys/concern.ts'
import { type EffectiveStatus, effectiveStatusOf } from '../../../src/keys/effective-status.ts'
import type { Secret, WriteKey } from '../api/wire.ts'

export type KeyStatus = EffectiveStatus

const dayMs = 86_400_000

/** The state of a key by the page's clock: it may have expired since it was read. */
export function statusOf(key: WriteKey, now: number): KeyStatus {
  const parse = (time: string | null) => (time === null ? null : Date.parse(time))
  const secrets = key.secrets.map(({ expires_at }) => ({ expiresAt: parse(expires_at) }))
  return effectiveStatusOf({ status: key.status, expiresAt: parse(key.expires_at), secrets }, now)
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

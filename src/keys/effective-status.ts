import type { KeyStatus } from './key-status.ts'

/**
 * What people call the state of a key. `expired`: its time is over. `rotating`: an earlier secret is still
 * accepted. The rest is what was decided about it.
 */
export type EffectiveStatus = KeyStatus | 'expired' | 'rotating'

/** Imports nothing but types: the page's bundle holds it. Times are milliseconds since the epoch. */
export function effectiveStatusOf(
  key: {
    readonly status: KeyStatus
    readonly expiresAt: number | null
    readonly secrets: readonly { readonly expiresAt: number | null }[]
  },
  now: number,
): EffectiveStatus {
  if (key.status === 'revoked') return 'revoked'
  if (key.expiresAt !== null && key.expiresAt <= now) return 'expired'
  if (key.status === 'paused') return 'paused'
  return key.secrets.some(({ expiresAt }) => expiresAt !== null && expiresAt > now) ? 'rotating' : 'active'
}

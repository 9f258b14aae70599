import type { KeyStatus } from './key-status.ts'

/**
 * The state of a key as people see it. `expired`: its time is over. `rotating`: an earlier secret is still
 * accepted. The others are its stored status.
 */
export type EffectiveStatus = KeyStatus | 'expired' | 'rotating'

export const effectiveStatuses = [
  'active',
  'paused',
  'revoked',
  'expired',
  'rotating',
] as const satisfies readonly EffectiveStatus[]

/** Imports only types: the page's bundle includes this file. Times are milliseconds since the epoch. */
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

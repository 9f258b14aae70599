import type { CompiledKey } from './compiled-key.ts'

/** Whether the presented secret is an earlier one whose grace after a rotation has passed at `now`. */
function isGraceOver({ secretExpiresAt }: Pick<CompiledKey, 'secretExpiresAt'>, now: number): boolean {
  return secretExpiresAt !== null && secretExpiresAt <= now
}

/** Whether a deadline of the key, or the grace of the presented secret, has passed at `now`. */
export function hasEnded(key: Pick<CompiledKey, 'expiresAt' | 'secretExpiresAt'>, now: number): boolean {
  return (key.expiresAt !== null && key.expiresAt <= now) || isGraceOver(key, now)
}

/** Whether an earlier secret of the key is accepted beside the current one at `now`. */
export function isInGrace(key: Pick<CompiledKey, 'graceUntil'>, now: number): boolean {
  return now < key.graceUntil
}

/** Whether the request came with an earlier secret, which will end. */
export function usesGrace(key: CompiledKey): key is CompiledKey & { readonly secretExpiresAt: number } {
  return key.secretExpiresAt !== null
}

/**
 * Tells a sender that its secret is about to end: `Deprecation` (RFC 9745) since the next secret exists,
 * `Sunset` (RFC 8594) at the deadline.
 */
export function graceHeaders(
  key: Pick<CompiledKey, 'secretReplacedAt' | 'secretExpiresAt'>,
): Record<string, string> {
  return {
    deprecation: `@${Math.floor((key.secretReplacedAt ?? 0) / 1000)}`,
    sunset: new Date(key.secretExpiresAt ?? 0).toUTCString(),
  }
}

import type { CompiledKey } from './compiled-key.ts'

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

import type { CachedSecret } from '../stores/cached-secret.ts'

/**
 * Tells a sender that its secret is about to end: `Deprecation` (RFC 9745) since the next secret exists, `Sunset`
 * (RFC 8594) at the deadline.
 */
export function graceHeaders(
  secret: Pick<CachedSecret<unknown>, 'replacedAt' | 'expiresAt'>,
): Record<string, string> {
  return {
    deprecation: `@${Math.floor((secret.replacedAt ?? 0) / 1000)}`,
    sunset: new Date(secret.expiresAt ?? 0).toUTCString(),
  }
}

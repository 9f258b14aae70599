import type { KeyRecord, SecretRecord } from '../keys/key-record.ts'

/**
 * Tells a sender that its secret is about to end: `Deprecation` (RFC 9745) since the next secret exists, `Sunset`
 * (RFC 8594) at the deadline.
 */
export function graceHeaders(
  record: Pick<KeyRecord, 'secrets' | 'updatedAt'>,
  secret: SecretRecord,
): Record<string, string> {
  const successor = record.secrets[record.secrets.findIndex((candidate) => candidate.id === secret.id) + 1]
  const since = successor?.createdAt ?? record.updatedAt
  return {
    deprecation: `@${Math.floor(since / 1000)}`,
    sunset: new Date(secret.expiresAt ?? 0).toUTCString(),
  }
}

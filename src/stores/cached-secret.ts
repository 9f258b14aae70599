import type { KeyRecord, SecretRecord } from '../keys/key-record.ts'

/**
 * A secret that the store knows, with its key in the form `compile` gave it. Shared by requests: never changed but for
 * `ended`. Holds what verification asks for and nothing else of the record, as there is one for every cached key.
 */
export class CachedSecret<Compiled> {
  readonly compiled: Compiled
  readonly id: string
  readonly start: string
  readonly createdAt: number
  /** Accepted strictly before this moment; `null` = as long as the key. */
  readonly expiresAt: number | null
  /** When the secret that follows was made; `null` for the current one. */
  readonly replacedAt: number | null
  /** On the monotonic clock, in whole seconds, which take no object of their own; `null` = always. */
  readonly freshUntilSeconds: number | null
  /** Set by whoever has seen the deadline pass, so that a clock set back does not revive the secret. */
  ended = false

  /** @param index which of the record's secrets it is */
  constructor(compiled: Compiled, record: KeyRecord, index: number, freshUntilSeconds: number | null) {
    const secret = record.secrets[index] as SecretRecord
    this.compiled = compiled
    this.id = secret.id
    this.start = secret.start
    this.createdAt = secret.createdAt
    this.expiresAt = secret.expiresAt
    this.replacedAt =
      secret.expiresAt === null ? null : (record.secrets[index + 1]?.createdAt ?? record.updatedAt)
    this.freshUntilSeconds = freshUntilSeconds
  }
}

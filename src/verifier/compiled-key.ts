import type { KeyRecord, KeyRules, SecretRecord, SourceType } from '../keys/key-record.ts'
import { createRatePolicy, type RatePolicy } from '../limits/rate-limit-headers.ts'
import { type CompiledRules, compileRules } from '../rules/compiled-rules.ts'

/** A key that verified a request, as handlers see it: frozen, safe to log. */
export interface VerifiedKey {
  readonly id: string
  readonly name: string
  readonly sourceType: SourceType
  readonly environment: string
  readonly metadata: Readonly<Record<string, unknown>> | null
  /** Which of the key's secrets was presented. */
  readonly secretId: string
  /** The first 12 characters of that secret. */
  readonly start: string
}

/** A record without its lists of rules: those are compiled, and would take half a kilobyte more per cached key. */
export type KeyHead = Omit<KeyRecord, keyof KeyRules>

/** A key with everything verification needs, made once per version of it. */
export interface CompiledKey {
  readonly record: KeyHead
  readonly rules: CompiledRules
  /** Null = unlimited. */
  readonly ratePolicy: RatePolicy | null
  /** What handlers get, per secret. */
  verifiedKey(secret: SecretRecord): VerifiedKey
}

export interface CompileOptions {
  defaultRateLimitEps: number | null
  burstSeconds: number
}

export function compileKey(record: KeyRecord, options: CompileOptions): CompiledKey {
  const eps = record.rateLimitEps ?? options.defaultRateLimitEps
  const head = toKeyHead(record)
  let verified: VerifiedKey | undefined
  return {
    record: head,
    rules: compileRules(record),
    ratePolicy: eps === null ? null : createRatePolicy(eps, options.burstSeconds),
    verifiedKey(secret) {
      // One is kept: two secrets of one key are in use during a grace only.
      if (verified?.secretId !== secret.id) verified = toVerifiedKey(head, secret, verified?.metadata)
      return verified
    },
  }
}

function toKeyHead(record: KeyRecord): KeyHead {
  const {
    allowedEventTypes: _types,
    allowedEventNames: _names,
    deniedEventNames: _deniedNames,
    allowedOrigins: _origins,
    allowedIps: _ips,
    deniedIps: _deniedIps,
    ...head
  } = record
  return head
}

function toVerifiedKey(
  record: KeyHead,
  secret: SecretRecord,
  metadata: VerifiedKey['metadata'] = deepFreeze(structuredClone(record.metadata)),
): VerifiedKey {
  return Object.freeze({
    id: record.id,
    name: record.name,
    sourceType: record.sourceType,
    environment: record.environment,
    metadata,
    secretId: secret.id,
    start: secret.start,
  })
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const part of Object.values(value)) deepFreeze(part)
  }
  return value
}

import type { KeyRecord, SecretRecord, SourceType } from '../keys/key-record.ts'
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

/** A key with everything verification needs, made once per version of it. */
export interface CompiledKey {
  readonly record: KeyRecord
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
  const bySecret = new Map<string, VerifiedKey>()
  return {
    record,
    rules: compileRules(record),
    ratePolicy: eps === null ? null : createRatePolicy(eps, options.burstSeconds),
    verifiedKey(secret) {
      let verified = bySecret.get(secret.id)
      if (verified === undefined) {
        verified = toVerifiedKey(record, secret)
        bySecret.set(secret.id, verified)
      }
      return verified
    },
  }
}

function toVerifiedKey(record: KeyRecord, secret: SecretRecord): VerifiedKey {
  return Object.freeze({
    id: record.id,
    name: record.name,
    sourceType: record.sourceType,
    environment: record.environment,
    metadata: deepFreeze(structuredClone(record.metadata)),
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

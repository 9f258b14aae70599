import { type KeyRecord, type SecretRecord, type SourceType, sourceTypes } from '../keys/key-record.ts'
import { createRatePolicy, type RatePolicy } from '../limits/rate-limit-headers.ts'
import { type CompiledRules, compileRules } from '../rules/compiled-rules.ts'
import type { EventRule } from '../rules/event-rule.ts'
import type { IpRule } from '../rules/ip-rule.ts'
import type { OriginRule } from '../rules/origin-rule.ts'

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

export interface CompileOptions {
  /** The environment of the application, which nearly all of its keys have. */
  environment: string
  defaultRateLimitEps: number | null
  burstSeconds: number
}

/**
 * A key with everything verification needs, made once per version of it. Holds nothing else of the record, and of what
 * many keys have alike one copy: a driver makes every text anew.
 */
export class CompiledKey implements CompiledRules {
  readonly id: string
  readonly version: number
  readonly environment: string
  readonly sourceType: SourceType
  readonly isRevoked: boolean
  readonly expiresAt: number | null
  /** Null = unlimited. */
  readonly ratePolicy: RatePolicy | null
  readonly events: EventRule | null
  readonly origins: OriginRule | null
  readonly ips: IpRule | null
  readonly #name: string
  readonly #metadata: VerifiedKey['metadata']
  #verified: VerifiedKey | undefined

  constructor(record: KeyRecord, environment: string, ratePolicy: RatePolicy | null) {
    const rules = compileRules(record)
    this.id = record.id
    this.version = record.version
    this.environment = environment
    this.sourceType = sourceTypes.find((type) => type === record.sourceType) ?? record.sourceType
    this.isRevoked = record.status === 'revoked'
    this.expiresAt = record.expiresAt
    this.ratePolicy = ratePolicy
    this.events = rules.events
    this.origins = rules.origins
    this.ips = rules.ips
    this.#name = record.name
    this.#metadata = deepFreeze(structuredClone(record.metadata))
  }

  /** What handlers get, per secret. */
  verifiedKey(secret: Pick<SecretRecord, 'id' | 'start'>): VerifiedKey {
    // One is kept: two secrets of one key are in use during a grace only.
    if (this.#verified?.secretId !== secret.id) {
      this.#verified = Object.freeze({
        id: this.id,
        name: this.#name,
        sourceType: this.sourceType,
        environment: this.environment,
        metadata: this.#metadata,
        secretId: secret.id,
        start: secret.start,
      })
    }
    return this.#verified
  }
}

/** Most applications have a handful of different rates; should there be more of them, they are made again. */
const maxRatePolicies = 1_000

export function createKeyCompiler(options: CompileOptions): (record: KeyRecord) => CompiledKey {
  const ratePolicies = new Map<number, RatePolicy>()

  function ratePolicyOf(eps: number): RatePolicy {
    const policy = ratePolicies.get(eps) ?? createRatePolicy(eps, options.burstSeconds)
    if (ratePolicies.size >= maxRatePolicies) ratePolicies.clear()
    ratePolicies.set(eps, policy)
    return policy
  }

  return (record) => {
    const eps = record.rateLimitEps ?? options.defaultRateLimitEps
    const environment = record.environment === options.environment ? options.environment : record.environment
    return new CompiledKey(record, environment, eps === null ? null : ratePolicyOf(eps))
  }
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const part of Object.values(value)) deepFreeze(part)
  }
  return value
}

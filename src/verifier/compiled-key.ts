import type { KeyRecord, SecretRecord } from '../keys/key-record.ts'
import { effectiveRateOf, effectiveSenderRateOf, type Plans } from '../keys/plans.ts'
import { type SourceType, sourceTypes } from '../keys/source-type.ts'
import { createRatePolicy, type RatePolicy } from '../limits/rate-limit-headers.ts'
import { markOf } from '../limits/sender-limiter.ts'
import { type CompiledRules, createRuleCompiler } from '../rules/compiled-rules.ts'
import type { EventRule } from '../rules/event-rule.ts'
import type { IpRule } from '../rules/ip-rule.ts'
import type { OriginRule } from '../rules/origin-rule.ts'
import { type CompiledTrial, compileTrial } from './compiled-trial.ts'

/** A key that verified a request, as handlers see it: frozen, safe to log. */
export interface VerifiedKey {
  readonly id: string
  readonly name: string
  readonly sourceType: SourceType
  readonly environment: string
  /** The customer, team or project that the key belongs to; null = none. */
  readonly workspace: string | null
  /** The name of the key's plan; null = none. */
  readonly plan: string | null
  readonly metadata: Readonly<Record<string, unknown>> | null
  /** Which of the key's secrets was presented. */
  readonly secretId: string
  /** The first 12 characters of that secret. */
  readonly start: string
}

export interface CompileOptions {
  /** The environment of the application, which nearly all of its keys have. */
  environment: string
  plans: Plans
  /** Called for a key whose plan the application does not have: the default plan counts. */
  onUnknownPlan: (record: KeyRecord) => void
  burstSeconds: number
}

/**
 * A key with one of its secrets and everything that verification needs. Made once per version of a key,
 * shared by requests, and never changed, except for the cache's notes. Keeps nothing else of the record.
 * Values that many keys share are kept once, because a driver makes every text anew.
 */
export class CompiledKey implements CompiledRules {
  /** What handlers get. */
  readonly verified: VerifiedKey
  readonly version: number
  readonly secretCreatedAt: number
  /** Null = unlimited. */
  readonly ratePolicy: RatePolicy | null
  readonly events: EventRule | null
  readonly origins: OriginRule | null
  readonly ips: IpRule | null
  /** Set by the cache. */
  digest = ''
  freshUntilSeconds: number | null = null
  readonly #special: Special

  constructor(
    record: KeyRecord,
    secret: SecretRecord,
    verified: VerifiedKey,
    rules: CompiledRules,
    ratePolicy: RatePolicy | null,
    special: Special,
  ) {
    this.verified = verified
    this.version = record.version
    this.secretCreatedAt = secret.createdAt
    this.ratePolicy = ratePolicy
    this.events = rules.events
    this.origins = rules.origins
    this.ips = rules.ips
    this.#special = special
  }

  get id(): string {
    return this.verified.id
  }
  get isRevoked(): boolean {
    return this.#special.isRevoked
  }
  get isPaused(): boolean {
    return this.#special.isPaused
  }
  get expiresAt(): number | null {
    return this.#special.expiresAt
  }
  get secretExpiresAt(): number | null {
    return this.#special.secretExpiresAt
  }
  get secretReplacedAt(): number | null {
    return this.#special.secretReplacedAt
  }
  get graceUntil(): number {
    return this.#special.graceUntil
  }
  get senderPolicy(): RatePolicy | null {
    return this.#special.senderPolicy
  }
  get trial(): CompiledTrial | null {
    return this.#special.trial
  }
  get monthlyEvents(): number | null {
    return this.#special.monthlyEvents
  }
  get mark(): number {
    return this.#special.mark
  }
}

/** What few keys have. All others share one object: a cached key takes 72 bytes less. */
interface Special {
  readonly isRevoked: boolean
  readonly isPaused: boolean
  readonly expiresAt: number | null
  /** The secret is accepted strictly before this moment; `null` = as long as the key. */
  readonly secretExpiresAt: number | null
  /** When the secret that follows was made; `null` for the current one. */
  readonly secretReplacedAt: number | null
  /** Until when an earlier secret is accepted beside the current one; 0 = none is. */
  readonly graceUntil: number
  /** The share of one sender; null = none. */
  readonly senderPolicy: RatePolicy | null
  /** Judged beside the others; null = none. */
  readonly trial: CompiledTrial | null
  /** Events of a calendar month; null = any number. */
  readonly monthlyEvents: number | null
  /** Tells the senders of this key from those of others; 0 without a share. */
  readonly mark: number
}

const nothingSpecial: Special = {
  isRevoked: false,
  isPaused: false,
  expiresAt: null,
  secretExpiresAt: null,
  secretReplacedAt: null,
  graceUntil: 0,
  senderPolicy: null,
  trial: null,
  monthlyEvents: null,
  mark: 0,
}

function shareUsual(special: Special): Special {
  const names = Object.keys(nothingSpecial) as (keyof Special)[]
  return names.every((name) => special[name] === nothingSpecial[name]) ? nothingSpecial : special
}

/** Most applications have a handful of different rates. Should there be more, they are made again. */
const maxRatePolicies = 1_000

/**
 * Creates the function that compiles the key of a record for the secret at `index`. `sibling` is its result
 * for another secret of the same version: what depends on the key alone is taken from there.
 */
export function createKeyCompiler(
  options: CompileOptions,
): (record: KeyRecord, index: number, sibling?: CompiledKey) => CompiledKey {
  const ratePolicies = new Map<number, RatePolicy>()
  const compileRules = createRuleCompiler()

  function ratePolicyOf(eps: number | null): RatePolicy | null {
    if (eps === null) return null
    const policy = ratePolicies.get(eps) ?? createRatePolicy(eps, options.burstSeconds)
    if (ratePolicies.size >= maxRatePolicies) ratePolicies.clear()
    ratePolicies.set(eps, policy)
    return policy
  }

  return (record, index, sibling) => {
    if (record.plan !== null && !options.plans.knows(record.plan)) options.onUnknownPlan(record)
    const secret = record.secrets[index] as SecretRecord
    const verified: VerifiedKey = Object.freeze({
      id: sibling?.id ?? record.id,
      name: record.name,
      sourceType: sourceTypes.find((type) => type === record.sourceType) ?? record.sourceType,
      environment: record.environment === options.environment ? options.environment : record.environment,
      workspace: record.workspace,
      plan: record.plan,
      metadata: sibling?.verified.metadata ?? deepFreeze(structuredClone(record.metadata)),
      secretId: secret.id,
      start: secret.start,
    })
    const rules = sibling ?? compileRules(record)
    const ratePolicy = ratePolicyOf(effectiveRateOf(record, options.plans))
    return new CompiledKey(record, secret, verified, rules, ratePolicy, specialOf(record, index))
  }

  function specialOf(record: KeyRecord, index: number): Special {
    const { secrets, status } = record
    const { expiresAt } = secrets[index] as SecretRecord
    const senderPolicy = ratePolicyOf(effectiveSenderRateOf(record, options.plans))
    const trial = compileTrial(record.trial, compileRules, ratePolicyOf)
    return shareUsual({
      isRevoked: status === 'revoked',
      isPaused: status === 'paused',
      expiresAt: record.expiresAt,
      secretExpiresAt: expiresAt,
      secretReplacedAt: expiresAt === null ? null : (secrets[index + 1]?.createdAt ?? record.updatedAt),
      graceUntil: Math.max(0, ...secrets.map((secret) => secret.expiresAt ?? 0)),
      senderPolicy,
      trial,
      monthlyEvents: options.plans.of(record.plan).monthlyEvents,
      mark: senderPolicy === null && trial === null ? 0 : markOf(record.id),
    })
  }
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(deepFreeze)
  return value
}

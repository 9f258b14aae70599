import { z } from 'zod'
import { describedKeyIdPattern, environmentPattern } from '../keys/ids.ts'
import { maxRateLimitEps, minRateLimitEps } from '../keys/key-fields.ts'
import type { WriteKey } from '../keys/key-record.ts'
import { maxGraceHours } from '../keys/lifecycle.ts'
import type { KeyVolume } from '../usage/usage-report.ts'
import { camelCaseKeys } from './field-names.ts'

const moment = z.iso.datetime()
const count = z.int().min(0)
export const sourceType = z.enum(['web', 'mobile', 'server', 'other'])
const status = z.enum(['active', 'revoked'])

function ruleList(what: string) {
  return z.array(z.string().max(2_048)).max(1_000).nullable().describe(what)
}

const rules = {
  rate_limit_eps: z
    .number()
    .min(minRateLimitEps)
    .max(maxRateLimitEps)
    .nullable()
    .describe("Events per second; null = the application's default."),
  allowed_event_types: ruleList('Event types the key may send; null = all.'),
  allowed_event_names: ruleList('Event names the key may send, * at the end as a wildcard; null = all.'),
  denied_event_names: ruleList('Event names the key may not send; wins over the allowed ones.'),
  allowed_origins: ruleList('Exact origins or https://*.example.com; null = any, [] = no browser at all.'),
  allowed_ips: ruleList('Addresses and CIDR ranges the key may be used from; null = any.'),
  denied_ips: ruleList('Addresses and CIDR ranges the key may not be used from; wins over the allowed ones.'),
  metadata: z.record(z.string(), z.unknown()).nullable().describe('At most 4096 bytes of JSON.'),
}
/** Zod counts UTF-16 code units, JSON Schema and the core count characters. */
const name = z.string().min(1).max(200).meta({ maxLength: 100, description: '1 to 100 characters.' })
const expiresAt = z.iso
  .datetime({ offset: true })
  .nullable()
  .describe('Accepted strictly before this moment, which must lie in the future; null = no end.')

export const createKeySchema = z.strictObject({
  name,
  source_type: sourceType,
  environment: z.string().regex(environmentPattern).optional(),
  ...optional(rules),
  expires_at: expiresAt.optional(),
})

export const updateKeySchema = z.strictObject({
  name: name.optional(),
  source_type: sourceType.optional(),
  ...optional(rules),
  expires_at: expiresAt.optional(),
  version: z.int().min(1).optional().describe('Refuse with 409 unless the key still has this version.'),
})

export const rotateKeySchema = z.strictObject({
  grace_period_hours: z
    .number()
    .min(0)
    .max(maxGraceHours)
    .optional()
    .describe('How long earlier secrets are still accepted; 0 = they end now. Default 24.'),
})

export const listKeysQuery = z.strictObject({
  status: status.optional(),
  source_type: sourceType.optional(),
  environment: z.string().max(64).optional(),
  q: z.string().max(100).optional().describe('Part of a name, or the start of an id.'),
  limit: pageLimit(),
  cursor: z.string().max(200).optional().describe('next_cursor of the previous page.'),
})

/** Keys per page, from a query: more than 100 is 100. */
export function pageLimit() {
  return z
    .string()
    .regex(/^[1-9]\d{0,15}$/, 'must be a whole number from 1 to 100')
    .optional()
    .describe('Entries per page, at most 100. Default 50.')
}

export function toPageLimit(limit: string | undefined): { limit?: number } {
  return limit === undefined ? {} : { limit: Math.min(100, Number(limit)) }
}

const secretSchema = z.object({
  id: z.string(),
  start: z.string().describe('The first 12 characters.'),
  created_at: moment,
  expires_at: moment.nullable().describe('Accepted strictly before; null = as long as the key.'),
  last_used_at: moment.nullable(),
})

const keyFields = {
  id: z.string().regex(describedKeyIdPattern),
  name: z.string(),
  source_type: sourceType,
  environment: z.string(),
  status,
  ...rules,
  expires_at: moment.nullable(),
  secrets: z.array(secretSchema),
  created_at: moment,
  updated_at: moment,
  revoked_at: moment.nullable(),
  version: z.int().min(1),
}
const volumeFields = {
  last_event_at: moment.nullable(),
  events_24h: count.describe('Accepted events of the last 24 hours.'),
  rejected_24h: count.describe('Refused requests of the last 24 hours.'),
  hourly_24h: z.array(count).length(24).describe('Accepted events per hour, oldest first.'),
}
const secretOnce = z.string().describe('The secret. Shown once, never again.')

export const keySchema = z.object(keyFields)
export const keyWithVolumeSchema = z.object({ ...keyFields, ...volumeFields })
export const createdKeySchema = z.object({ ...keyFields, key: secretOnce })
export const rotatedKeySchema = z.object({ ...keyFields, key: secretOnce, grace_expires_at: moment })
export const keyListSchema = z.object({
  data: z.array(keyWithVolumeSchema),
  next_cursor: z.string().nullable(),
})

/** A write key as JSON. */
export function toKeyJson(key: WriteKey): z.output<typeof keySchema> {
  return {
    id: key.id,
    name: key.name,
    source_type: key.sourceType,
    environment: key.environment,
    status: key.status,
    rate_limit_eps: key.rateLimitEps,
    allowed_event_types: toList(key.allowedEventTypes),
    allowed_event_names: toList(key.allowedEventNames),
    denied_event_names: toList(key.deniedEventNames),
    allowed_origins: toList(key.allowedOrigins),
    allowed_ips: toList(key.allowedIps),
    denied_ips: toList(key.deniedIps),
    metadata: key.metadata === null ? null : { ...key.metadata },
    expires_at: toMoment(key.expiresAt),
    secrets: key.secrets.map((secret) => ({
      id: secret.id,
      start: secret.start,
      created_at: secret.createdAt.toISOString(),
      expires_at: toMoment(secret.expiresAt),
      last_used_at: toMoment(secret.lastUsedAt),
    })),
    created_at: key.createdAt.toISOString(),
    updated_at: key.updatedAt.toISOString(),
    revoked_at: toMoment(key.revokedAt),
    version: key.version,
  }
}

/** A write key with its volume as JSON. */
export function toKeyWithVolumeJson(
  key: WriteKey,
  volume: KeyVolume | undefined,
): z.output<typeof keyWithVolumeSchema> {
  return {
    ...toKeyJson(key),
    last_event_at: toMoment(volume?.lastEventAt ?? null),
    events_24h: volume?.events24h ?? 0,
    rejected_24h: volume?.rejected24h ?? 0,
    hourly_24h: volume === undefined ? new Array<number>(24).fill(0) : [...volume.hourly24h],
  }
}

/** The fields of a validated body for the TypeScript API. */
export function toKeyInput<Input>(body: Readonly<Record<string, unknown>>): Input {
  return camelCaseKeys(body) as Input
}

function optional<Shape extends Record<string, z.ZodType>>(shape: Shape) {
  return Object.fromEntries(Object.entries(shape).map(([field, schema]) => [field, schema.optional()])) as {
    [Field in keyof Shape]: z.ZodOptional<Shape[Field]>
  }
}

function toList(list: readonly string[] | null): string[] | null {
  return list === null ? null : [...list]
}

export function toMoment(date: Date | null): string | null {
  return date === null ? null : date.toISOString()
}

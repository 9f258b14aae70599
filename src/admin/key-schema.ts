import { z } from 'zod'
import { concerns } from '../keys/concern.ts'
import { effectiveStatuses } from '../keys/effective-status.ts'
import { keyFields } from '../keys/fields.ts'
import { keyIdPattern } from '../keys/ids.ts'
import type { WriteKey } from '../keys/key-record.ts'
import { maxGraceHours } from '../keys/lifecycle.ts'
import { countedSorts, storedSorts } from '../keys/list-query.ts'
import type { KeyVolume } from '../usage/usage-report.ts'
import { camelCaseKeys } from './field-names.ts'
import { fieldSchemas, fieldsToJson } from './field-schema.ts'

const moment = z.iso.datetime()
const count = z.int().min(0)
export const sourceType = z.enum(keyFields.sourceType.words)
const status = z.enum(keyFields.status.words)
const effectiveStatus = z.enum(effectiveStatuses)

const fields = fieldSchemas()

/** Fields that stand before all others, wherever fields of a key are. */
const leadingFields = [
  'id',
  'name',
  'key',
  'source_type',
  'rate_limit_eps',
  'allowed_event_types',
  'allowed_origins',
  'status',
  'created_at',
] as const

/** The same fields in the order in which people read them. */
function ordered<Fields extends Readonly<Record<string, unknown>>>(fields: Fields): Fields {
  const leading = leadingFields.filter((name) => Object.hasOwn(fields, name))
  return { ...Object.fromEntries(leading.map((name) => [name, fields[name]])), ...fields }
}

export const createKeySchema = z.strictObject(ordered(fields.create))

export const updateKeySchema = z.strictObject({
  ...ordered(fields.update),
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
  status: status.optional().describe('The stored status, whatever the times of a key say.'),
  effective_status: effectiveStatus
    .optional()
    .describe('The status as people see it: active keys are neither expired nor rotating.'),
  concern: z
    .enum(concerns)
    .optional()
    .describe(
      'Keys in use that somebody should look at: an earlier secret ends within a day, the secret is older than 90 days, or nothing was sent for 30.',
    ),
  source_type: sourceType.optional(),
  environment: z.string().max(64).optional(),
  workspace: z.string().max(100).optional(),
  plan: z.string().max(64).optional(),
  q: z
    .string()
    .max(100)
    .optional()
    .describe('Part of a name or environment, or the start of an id or of a secret.'),
  sort: z
    .enum([...storedSorts, ...countedSorts].flatMap((by) => [by, `-${by}` as const]))
    .optional()
    .describe(
      'Behind - the largest or latest first. Default -created_at. By counts, pages are cut out of the order that the first one had.',
    ),
  limit: pageLimit(),
  cursor: z.string().max(4_000).optional().describe('next_cursor of the previous page, with the same sort.'),
})

/** The id of a key, from a query. */
export function keyIdFilter() {
  return z.string().regex(keyIdPattern, 'must be the id of a write key').optional()
}

/** Keys per page, from a query: more than 100 becomes 100. */
export function pageLimit() {
  return z
    .string()
    .regex(/^[1-9]\d{0,15}$/, 'must be a whole number from 1 on; more than 100 counts as 100')
    .optional()
    .describe('Entries per page, at most 100. Default 50.')
}

export function toPageLimit(limit: string | undefined): { limit?: number } {
  return limit === undefined ? {} : { limit: Math.min(100, Number(limit)) }
}

const secretSchema = z.object({
  id: z.string(),
  start: z
    .string()
    .describe(
      'The first 12 characters; of an imported secret a quarter at most, none when only its hash is known.',
    ),
  created_at: moment,
  expires_at: moment.nullable().describe('Accepted strictly before; null = as long as the key.'),
  last_used_at: moment.nullable(),
  imported: z.boolean().describe('Whether it was made elsewhere and brought along.'),
})

const { expires_at, created_at, updated_at, revoked_at, version, ...describing } = fields.answer
/** The moments come after what describes the key. */
const answerFields = ordered({
  ...describing,
  effective_rate_limit_eps: z
    .number()
    .nullable()
    .describe("The rate that counts: the key's, else its plan's, else the default; null = unlimited."),
  effective_sender_rate_limit_eps: z
    .number()
    .nullable()
    .describe("The share of one sender that counts: the key's, else its plan's; null = none."),
  effective_monthly_events: z
    .int()
    .nullable()
    .describe('Events that it may send in a calendar month (UTC), as its plan says; null = any number.'),
  event_bytes: z
    .int()
    .describe(
      'Bytes that one event of its rates pays for: a larger request costs one event for each of these begun.',
    ),
  effective_status: effectiveStatus,
  expires_at,
  secrets: z.array(secretSchema),
  created_at,
  updated_at,
  revoked_at,
  version,
})
const volumeFields = {
  last_event_at: moment.nullable(),
  events_24h: count.describe('Accepted events of the last 24 hours.'),
  rejected_24h: count.describe('Refused requests of the last 24 hours.'),
  hourly_24h: z.array(count).length(24).describe('Accepted events per hour, oldest first.'),
}
const secretOnce = z.string().describe('The secret. Shown once, never again.')

export const keySchema = z.object(answerFields)
export const keyWithVolumeSchema = z.object({ ...answerFields, ...volumeFields })
export const createdKeySchema = z.object(ordered({ ...answerFields, key: secretOnce }))
export const rotatedKeySchema = z.object(
  ordered({ ...answerFields, key: secretOnce, grace_expires_at: moment }),
)
export const keyListSchema = z.object({
  data: z.array(keyWithVolumeSchema),
  next_cursor: z.string().nullable(),
  total: count.nullable().describe('How many keys fit; on the first page only.'),
})

/** A write key as JSON. */
export function toKeyJson(key: WriteKey): z.output<typeof keySchema> {
  const { expires_at, created_at, updated_at, revoked_at, version, ...describing } = fieldsToJson(key)
  return ordered({
    ...describing,
    effective_rate_limit_eps: key.effectiveRateLimitEps,
    effective_sender_rate_limit_eps: key.effectiveSenderRateLimitEps,
    effective_monthly_events: key.effectiveMonthlyEvents,
    event_bytes: key.eventBytes,
    effective_status: key.effectiveStatus,
    expires_at,
    secrets: key.secrets.map((secret) => ({
      id: secret.id,
      start: secret.start,
      created_at: secret.createdAt.toISOString(),
      expires_at: toMoment(secret.expiresAt),
      last_used_at: toMoment(secret.lastUsedAt),
      imported: secret.imported,
    })),
    created_at,
    updated_at,
    revoked_at,
    version,
  })
}

/** A write key with its new secret as JSON. */
export function toCreatedKeyJson(writeKey: WriteKey, key: string): z.output<typeof createdKeySchema> {
  return ordered({ ...toKeyJson(writeKey), key })
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
  const { trial } = body
  const isTried = typeof trial === 'object' && trial !== null
  return {
    ...camelCaseKeys(body),
    ...(isTried && { trial: camelCaseKeys(trial as Record<string, unknown>) }),
  } as Input
}

export function toMoment(date: Date | null): string | null {
  return date === null ? null : date.toISOString()
}

import { z } from 'zod'
import type { UsageOverviewQuery } from '../../management/usage-reports.ts'
import { type UsageOverview, usageGroupings } from '../../usage/usage-overview.ts'
import type { KeyUsage } from '../../usage/usage-report.ts'
import { camelCaseKeys } from '../field-names.ts'
import { keyNameSchema } from '../key-names.ts'
import { sourceType, toMoment } from '../key-schema.ts'
import { defineOperation, jsonAnswer, type Operation } from '../operation.ts'
import { keysPath } from './write-keys.ts'

const moment = z.iso.datetime()
const countsByName = z.record(z.string(), z.int().min(0))

export const usageSchema = z.object({
  id: z.string(),
  from: moment,
  to: moment,
  bucket_seconds: z
    .int()
    .describe('300 up to 6 hours; 3600, full hours, up to 7 days; 86400, calendar days, beyond.'),
  last_event_at: moment.nullable(),
  accepted_total: z.int().min(0),
  refused_total: z.int().min(0),
  accepted: countsByName.describe('Accepted events by type; other = events of no known type.'),
  refused: countsByName.describe('Refused requests by reason.'),
  would_refuse: countsByName.describe(
    'Accepted events that the rules on trial would have refused, by reason.',
  ),
  would_refuse_total: z.int().min(0),
  tried_total: z.int().min(0).describe('Accepted events that rules on trial have judged.'),
  of_secrets: countsByName.describe(
    'Accepted events by id of the secret, counted while the key has more than one.',
  ),
  quota: z
    .object({ monthly_events: z.int(), used: z.int().min(0), left: z.int().min(0), resets_at: moment })
    .nullable()
    .describe('What the key may still send this month (UTC); null: its plan has no monthlyEvents.'),
  buckets: z
    .array(
      z.object({ at: moment, accepted: countsByName, refused: countsByName, would_refuse: countsByName }),
    )
    .describe('The whole window, oldest first, quiet buckets included.'),
})

const windowFields = {
  window: z
    .string()
    .regex(/^[1-9]\d{0,2}[hd]$/, 'must be 1h to 720h or 1d to 30d')
    .optional()
    .describe('1h to 720h or 1d to 30d. Default 24h.'),
  zone: z
    .string()
    .max(64)
    .optional()
    .describe(
      'A time zone such as Asia/Kolkata, whose full hours and calendar days are the buckets. Default UTC.',
    ),
}

const getUsage = defineOperation({
  id: 'getUsage',
  method: 'GET',
  path: `${keysPath}/{id}/usage`,
  role: 'viewer',
  summary: 'What a key accepted and refused, by type and reason.',
  query: z.strictObject(windowFields),
  answers: { 200: { description: 'The series.', schema: usageSchema } },
  async handle({ keys, params, query: { window, zone } }) {
    const id = params.id as string
    return jsonAnswer(
      200,
      toUsageJson(id, await keys.usage(id, { zone, ...(window !== undefined && { window }) })),
    )
  },
})

const groupFields = {
  keys: z.int().min(0).describe('Keys with any traffic.'),
  accepted: z.int().min(0).describe('Events.'),
  refused: z.int().min(0).describe('Requests.'),
  success_rate: z
    .number()
    .min(0)
    .max(1)
    .nullable()
    .describe('accepted / (accepted + refused); null: nothing came.'),
  reasons: countsByName.describe('Refused requests by reason.'),
  series: z.array(z.object({ at: moment, accepted: z.int().min(0), refused: z.int().min(0) })),
}

export const usageOverviewSchema = z.object({
  from: moment,
  to: moment,
  bucket_seconds: z.int(),
  total: z.object(groupFields),
  data: z
    .array(z.object({ group: z.string().nullable(), key: keyNameSchema.nullable(), ...groupFields }))
    .describe('Most refused first; the first 1 000.'),
})

const getUsageOverview = defineOperation({
  id: 'getUsageOverview',
  method: 'GET',
  path: '/api/v1/events/usage',
  role: 'viewer',
  summary: 'What all keys accepted and refused, by source type, workspace or key.',
  query: z.strictObject({
    ...windowFields,
    group_by: z.enum(usageGroupings).optional().describe('Default source_type.'),
    environment: z.string().max(64).optional(),
    workspace: z.string().max(100).optional(),
    source_type: sourceType.optional(),
  }),
  answers: { 200: { description: 'Totals and series.', schema: usageOverviewSchema } },
  async handle({ keys, keyNames, query }) {
    const overview = await keys.usageOverview(camelCaseKeys(query) as UsageOverviewQuery)
    const names =
      query.group_by === 'key' ? await keyNames.of(overview.groups.map(({ group }) => group)) : new Map()
    return jsonAnswer(200, {
      from: overview.from.toISOString(),
      to: overview.to.toISOString(),
      bucket_seconds: overview.bucketMs / 1_000,
      total: toGroupJson(overview, overview.total),
      data: overview.groups.map(({ group, ...rest }) => ({
        group,
        key: names.get(group ?? '') ?? null,
        ...toGroupJson(overview, rest),
      })),
    })
  },
})

function toGroupJson(
  { starts }: UsageOverview,
  { successRate, reasons, series, ...counts }: UsageOverview['total'],
) {
  return {
    ...counts,
    success_rate: successRate,
    reasons: { ...reasons },
    series: series.map((bucket, index) => ({ at: starts[index]?.toISOString() ?? '', ...bucket })),
  }
}

export const usageOperations: readonly Operation[] = [getUsage, getUsageOverview]

/** The usage of a key as JSON. */
function toUsageJson(id: string, usage: KeyUsage): z.output<typeof usageSchema> {
  return {
    id,
    from: usage.from.toISOString(),
    to: usage.to.toISOString(),
    bucket_seconds: usage.bucketMs / 1_000,
    last_event_at: toMoment(usage.lastEventAt),
    accepted_total: usage.acceptedTotal,
    refused_total: usage.refusedTotal,
    accepted: { ...usage.accepted },
    refused: { ...usage.refused },
    would_refuse: { ...usage.wouldRefuse },
    would_refuse_total: usage.wouldRefuseTotal,
    tried_total: usage.triedTotal,
    of_secrets: { ...usage.ofSecrets },
    quota: toQuotaJson(usage.quota),
    buckets: usage.buckets.map(({ at, accepted, refused, wouldRefuse }) => ({
      at: at.toISOString(),
      accepted: { ...accepted },
      refused: { ...refused },
      would_refuse: { ...wouldRefuse },
    })),
  }
}

function toQuotaJson(quota: KeyUsage['quota']): z.output<typeof usageSchema>['quota'] {
  if (quota === null) return null
  const { monthlyEvents, used, left, resetsAt } = quota
  return { monthly_events: monthlyEvents, used, left, resets_at: resetsAt.toISOString() }
}

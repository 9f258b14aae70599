import { z } from 'zod'
import type { KeyUsage } from '../../usage/usage-report.ts'
import { toMoment } from '../key-schema.ts'
import { defineOperation, jsonAnswer, type Operation } from '../operation.ts'
import { keysPath } from './write-keys.ts'

const moment = z.iso.datetime()
const countsByName = z.record(z.string(), z.int().min(0))

export const usageSchema = z.object({
  id: z.string(),
  from: moment,
  to: moment,
  bucket_seconds: z.int().describe('300 up to 6 hours, 3600 up to 7 days, 86400 beyond.'),
  last_event_at: moment.nullable(),
  accepted_total: z.int().min(0),
  refused_total: z.int().min(0),
  accepted: countsByName.describe('Accepted events by type; other = events of no known type.'),
  refused: countsByName.describe('Refused requests by reason.'),
  buckets: z
    .array(z.object({ at: moment, accepted: countsByName, refused: countsByName }))
    .describe('The whole window, oldest first, quiet buckets included.'),
})

const getUsage = defineOperation({
  id: 'getUsage',
  method: 'GET',
  path: `${keysPath}/{id}/usage`,
  role: 'viewer',
  summary: 'What a key accepted and refused, by type and reason.',
  query: z.strictObject({
    window: z
      .string()
      .regex(/^[1-9]\d{0,2}[hd]$/, 'must be 1h to 720h or 1d to 30d')
      .optional()
      .describe('1h to 720h or 1d to 30d. Default 24h.'),
  }),
  answers: { 200: { description: 'The series.', schema: usageSchema } },
  async handle({ keys, params, query: { window } }) {
    const id = params.id as string
    return jsonAnswer(200, toUsageJson(id, await keys.usage(id, window === undefined ? {} : { window })))
  },
})

export const usageOperations: readonly Operation[] = [getUsage]

/** The usage of a key as JSON. */
export function toUsageJson(id: string, usage: KeyUsage): z.output<typeof usageSchema> {
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
    buckets: usage.buckets.map(({ at, accepted, refused }) => ({
      at: at.toISOString(),
      accepted: { ...accepted },
      refused: { ...refused },
    })),
  }
}

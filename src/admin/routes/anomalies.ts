import { z } from 'zod'
import type { Anomaly } from '../../watch/anomaly.ts'
import { type KeyName, keyNameSchema } from '../key-names.ts'
import { keyIdFilter } from '../key-schema.ts'
import { defineOperation, jsonAnswer, type Operation } from '../operation.ts'

const moment = z.iso.datetime()

export const anomalySchema = z.object({
  id: z.string().describe('The same for the same thing.'),
  kind: z.enum([
    'volume_spike',
    'sudden_silence',
    'unseen_origin',
    'unseen_address',
    'server_key_in_browser',
    'grace_ending',
    'old_secret',
  ]),
  key_id: z.string(),
  key: keyNameSchema.nullable(),
  first_at: moment,
  last_at: moment,
  count: z.int().min(1).describe('How often it was seen.'),
  origin: z.string().nullable(),
  address: z.string().nullable(),
  secret_id: z.string().nullable(),
  secret_at: moment.nullable().describe('When the secret ends (grace_ending), or was made (old_secret).'),
  observed: z.int().min(0).nullable().describe('Events in the window.'),
  expected: z.int().min(0).nullable().describe('Events usual in a window.'),
})

const listAnomalies = defineOperation({
  id: 'listAnomalies',
  method: 'GET',
  path: '/api/v1/events/anomalies',
  role: 'viewer',
  summary: 'What is unusual in the traffic of all processes that share the store, latest first.',
  query: z.strictObject({ key_id: keyIdFilter() }),
  answers: {
    200: { description: 'All that is known.', schema: z.object({ data: z.array(anomalySchema) }) },
  },
  async handle({ keys, keyNames, query: { key_id: keyId } }) {
    const activity = await keys.activity()
    const found = await activity.listAnomalies(keyId === undefined ? {} : { keyIds: [keyId] })
    const names = await keyNames.of(found.map((anomaly) => anomaly.keyId))
    return jsonAnswer(200, { data: found.map((anomaly) => toAnomalyJson(anomaly, names)) })
  },
})

export const anomalyOperations: readonly Operation[] = [listAnomalies]

function toAnomalyJson(
  anomaly: Anomaly,
  names: ReadonlyMap<string, KeyName>,
): z.output<typeof anomalySchema> {
  return {
    id: anomaly.id,
    kind: anomaly.kind,
    key_id: anomaly.keyId,
    key: names.get(anomaly.keyId) ?? null,
    first_at: new Date(anomaly.firstAt).toISOString(),
    last_at: new Date(anomaly.lastAt).toISOString(),
    count: anomaly.count,
    origin: anomaly.origin ?? null,
    address: anomaly.address ?? null,
    secret_id: anomaly.secretId ?? null,
    secret_at: anomaly.secretAt === undefined ? null : new Date(anomaly.secretAt).toISOString(),
    observed: anomaly.observed ?? null,
    expected: anomaly.expected ?? null,
  }
}

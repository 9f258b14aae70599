import { z } from 'zod'
import { reasonAdvice } from '../../verifier/reason-advice.ts'
import { problems } from '../../verifier/reasons.ts'
import { importItems, importResultSchema, importSchema } from '../import-items.ts'
import { keySchema, keyWithVolumeSchema, toKeyJson } from '../key-schema.ts'
import { etag } from '../key-version.ts'
import { problemSchema } from '../openapi.ts'
import { actorOf, defineOperation, jsonAnswer, type Operation } from '../operation.ts'
import { AdminProblem } from '../problem.ts'
import { keysPath, withVolume } from './write-keys.ts'

/** Enough for a thousand keys with rules and metadata. */
const maxImportBytes = 4_194_304

const importWriteKeys = defineOperation({
  id: 'importWriteKeys',
  method: 'POST',
  path: `${keysPath}/import`,
  role: 'admin',
  summary:
    'Bring along keys whose secrets were made elsewhere. Each has its own result, in order; what exists is left as it is.',
  body: { schema: importSchema, required: true, maxBytes: maxImportBytes },
  answers: {
    200: {
      description: 'What became of each key.',
      schema: z.object({ results: z.array(importResultSchema) }),
    },
  },
  async handle(call) {
    const { write_keys: items, dry_run: dryRun, planned } = call.body
    const options = { ...actorOf(call), dryRun, planned }
    return jsonAnswer(200, { results: await importItems(call.keys, items, options) })
  },
})

const findWriteKey = defineOperation({
  id: 'findWriteKey',
  method: 'POST',
  path: `${keysPath}/find`,
  role: 'viewer',
  summary: 'The key that a secret belongs to, whatever its status: for reports of leaks.',
  body: { schema: z.strictObject({ key: z.string().max(4_096).describe('The secret.') }), required: true },
  answers: {
    200: { description: 'The key.', schema: keyWithVolumeSchema },
    404: {
      description: 'No key has this secret.',
      schema: problemSchema,
      contentType: 'application/problem+json',
    },
  },
  async handle({ keys, body }) {
    const key = await keys.find(body.key)
    if (key === undefined) throw new AdminProblem('not_found', { detail: 'No write key has this secret.' })
    return jsonAnswer(200, await withVolume(keys, key), etag(key))
  },
})

export const checkSchema = z.object({
  accepted: z.boolean(),
  reason: z.string().nullable().describe('The internal reason, which senders are not told.'),
  status: z.int().describe('200 when it would be let through.'),
  cause: z.string().nullable().describe('What the reason means.'),
  advice: z.string().nullable().describe('What to do about it.'),
  would_refuse: z.string().nullable().describe('Why rules on trial would refuse what is accepted.'),
  ended_at: z.iso
    .datetime()
    .nullable()
    .describe(
      'When an unknown secret was ended that a key has had; null for others. Only for tokens of all workspaces.',
    ),
  environment: z.string().describe('The environment of the server.'),
  credentials: z
    .array(z.string())
    .nullable()
    .describe(
      'Where the server reads keys, such as basic or header:X-Api-Key; null = a function of the application finds them. Paths of SDKs read more places.',
    ),
  key: keySchema.nullable().describe('The key that the secret belongs to.'),
})

const text = z.string().max(2_048).optional()

const checkWriteKey = defineOperation({
  id: 'checkWriteKey',
  method: 'POST',
  path: `${keysPath}/check`,
  role: 'viewer',
  summary:
    'What would become of a request with a secret now, and why. Nothing is ingested, counted or charged, and rates are not checked.',
  body: {
    schema: z.strictObject({
      key: z.string().max(4_096).describe('The secret.'),
      type: text.describe('Type of the event. Without it, only key, origin and address are checked.'),
      name: text.describe('Name of the event; needs type.'),
      origin: text.describe('Origin of the page that sends it.'),
      address: text.describe('Address of the sender.'),
    }),
    required: true,
  },
  answers: {
    200: {
      description: 'The outcome.',
      schema: checkSchema,
    },
  },
  async handle({ keys, body: { key, ...request } }) {
    const { reason, wouldRefuse, endedAt, environment, credentials, writeKey } = await keys.check(
      key,
      request,
    )
    return jsonAnswer(200, {
      accepted: reason === null,
      reason,
      status: reason === null ? 200 : problems[reason].status,
      cause: reason === null ? null : reasonAdvice[reason].cause,
      advice: reason === null ? null : reasonAdvice[reason].advice,
      would_refuse: wouldRefuse,
      ended_at: endedAt?.toISOString() ?? null,
      environment,
      credentials: credentials && [...credentials],
      key: writeKey === undefined ? null : toKeyJson(writeKey),
    })
  },
})

export const secretOperations: readonly Operation[] = [importWriteKeys, findWriteKey, checkWriteKey]

import { z } from 'zod'
import { importItems, importResultSchema, importSchema } from '../import-items.ts'
import { keyWithVolumeSchema } from '../key-schema.ts'
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
    const { write_keys: items, dry_run: dryRun = false } = call.body
    return jsonAnswer(200, { results: await importItems(call.keys, items, { ...actorOf(call), dryRun }) })
  },
})

const findWriteKey = defineOperation({
  id: 'findWriteKey',
  method: 'POST',
  path: `${keysPath}/find`,
  role: 'admin',
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

export const secretOperations: readonly Operation[] = [importWriteKeys, findWriteKey]

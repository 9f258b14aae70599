import type { WriteKey } from '../../keys/key-record.ts'
import type { KeyChangeOptions } from '../../management/key-changes.ts'
import { keySchema, rotatedKeySchema, rotateKeySchema, toCreatedKeyJson, toKeyJson } from '../key-schema.ts'
import { etag, ifMatchHeader, keyChangeOf } from '../key-version.ts'
import { defineOperation, jsonAnswer, type Operation } from '../operation.ts'
import type { ScopedKeys } from '../workspace-scope.ts'
import { keysPath } from './write-keys.ts'

const rotateWriteKey = defineOperation({
  id: 'rotateWriteKey',
  method: 'POST',
  path: `${keysPath}/{id}/rotate`,
  role: 'admin',
  summary: 'Give a key a new secret. Earlier ones are accepted until the grace is over.',
  headers: ifMatchHeader,
  body: { schema: rotateKeySchema, required: false },
  answers: { 200: { description: 'The key with its new secret.', schema: rotatedKeySchema } },
  async handle(call) {
    const hours = call.body?.grace_period_hours
    const { writeKey, key, graceExpiresAt } = await call.keys.rotate(call.params.id as string, {
      ...keyChangeOf(call),
      ...(hours !== undefined && { gracePeriodHours: hours }),
    })
    const answer = { ...toCreatedKeyJson(writeKey, key), grace_expires_at: graceExpiresAt.toISOString() }
    return jsonAnswer(200, answer, etag(writeKey))
  },
})

/** A change of one key that takes no body, and answers with the key. */
interface KeyChange {
  id: string
  method: 'POST' | 'DELETE'
  /** Below that of all keys. */
  path: string
  summary: string
  /** What the answer holds. */
  answer: string
  change: (
    params: Readonly<Record<string, string>>,
    keys: ScopedKeys,
    change: KeyChangeOptions,
  ) => Promise<WriteKey>
}

function defineChange({ id, method, path, summary, answer, change }: KeyChange): Operation {
  return defineOperation({
    id,
    method,
    path: `${keysPath}/${path}`,
    role: 'admin',
    summary,
    headers: ifMatchHeader,
    answers: { 200: { description: answer, schema: keySchema } },
    async handle(call) {
      const key = await change(call.params, call.keys, keyChangeOf(call))
      return jsonAnswer(200, toKeyJson(key), etag(key))
    },
  })
}

const pauseWriteKey = defineChange({
  id: 'pauseWriteKey',
  method: 'POST',
  path: '{id}/pause',
  summary:
    'Have a key refused with 429 until it is resumed. When the answer arrives no process accepts it any more. 409 with the reason schema_mixed while processes of an older version may run.',
  answer: 'The paused key.',
  change: ({ id }, keys, change) => keys.pause(id as string, change),
})

const resumeWriteKey = defineChange({
  id: 'resumeWriteKey',
  method: 'POST',
  path: '{id}/resume',
  summary: 'End the pause of a key. When the answer arrives every process accepts it again.',
  answer: 'The resumed key.',
  change: ({ id }, keys, change) => keys.resume(id as string, change),
})

const revokeWriteKey = defineChange({
  id: 'revokeWriteKey',
  method: 'POST',
  path: '{id}/revoke',
  summary: 'End a key for good. When the answer arrives no process accepts it any more.',
  answer: 'The revoked key.',
  change: ({ id }, keys, change) => keys.revoke(id as string, change),
})

const endGrace = defineChange({
  id: 'endGrace',
  method: 'DELETE',
  path: '{id}/secrets/{secret_id}',
  summary: 'End the grace of an earlier secret now.',
  answer: 'The key without that secret.',
  change: ({ id, secret_id }, keys, change) => keys.endGrace(id as string, secret_id as string, change),
})

const enforceTrial = defineChange({
  id: 'enforceTrial',
  method: 'POST',
  path: '{id}/trial/enforce',
  summary:
    'Enforce the rules on trial from now on, in place of those that the key has. 409 when there are none.',
  answer: 'The key with its new rules.',
  change: ({ id }, keys, change) => keys.enforceTrial(id as string, change),
})

const dropTrial = defineChange({
  id: 'dropTrial',
  method: 'DELETE',
  path: '{id}/trial',
  summary: 'Forget the rules on trial. 409 when there are none.',
  answer: 'The key without them.',
  change: ({ id }, keys, change) => keys.dropTrial(id as string, change),
})

export const lifecycleOperations: readonly Operation[] = [
  rotateWriteKey,
  pauseWriteKey,
  resumeWriteKey,
  revokeWriteKey,
  enforceTrial,
  dropTrial,
  endGrace,
]

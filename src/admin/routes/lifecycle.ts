import { keySchema, rotatedKeySchema, rotateKeySchema, toKeyJson } from '../key-schema.ts'
import { etag, ifMatchHeader, keyChangeOf } from '../key-version.ts'
import { defineOperation, jsonAnswer, type Operation } from '../operation.ts'
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
    const answer = { ...toKeyJson(writeKey), key, grace_expires_at: graceExpiresAt.toISOString() }
    return jsonAnswer(200, answer, etag(writeKey))
  },
})

const pauseWriteKey = defineOperation({
  id: 'pauseWriteKey',
  method: 'POST',
  path: `${keysPath}/{id}/pause`,
  role: 'admin',
  summary:
    'Have a key refused with 429 until it is resumed. When the answer arrives no process accepts it any more. 409 with the reason schema_mixed while processes of an older version may run.',
  headers: ifMatchHeader,
  answers: { 200: { description: 'The paused key.', schema: keySchema } },
  async handle(call) {
    const key = await call.keys.pause(call.params.id as string, keyChangeOf(call))
    return jsonAnswer(200, toKeyJson(key), etag(key))
  },
})

const resumeWriteKey = defineOperation({
  id: 'resumeWriteKey',
  method: 'POST',
  path: `${keysPath}/{id}/resume`,
  role: 'admin',
  summary: 'End the pause of a key. When the answer arrives every process accepts it again.',
  headers: ifMatchHeader,
  answers: { 200: { description: 'The resumed key.', schema: keySchema } },
  async handle(call) {
    const key = await call.keys.resume(call.params.id as string, keyChangeOf(call))
    return jsonAnswer(200, toKeyJson(key), etag(key))
  },
})

const revokeWriteKey = defineOperation({
  id: 'revokeWriteKey',
  method: 'POST',
  path: `${keysPath}/{id}/revoke`,
  role: 'admin',
  summary: 'End a key for good. When the answer arrives no process accepts it any more.',
  headers: ifMatchHeader,
  answers: { 200: { description: 'The revoked key.', schema: keySchema } },
  async handle(call) {
    const key = await call.keys.revoke(call.params.id as string, keyChangeOf(call))
    return jsonAnswer(200, toKeyJson(key), etag(key))
  },
})

const endGrace = defineOperation({
  id: 'endGrace',
  method: 'DELETE',
  path: `${keysPath}/{id}/secrets/{secret_id}`,
  role: 'admin',
  summary: 'End the grace of an earlier secret now.',
  headers: ifMatchHeader,
  answers: { 200: { description: 'The key without that secret.', schema: keySchema } },
  async handle(call) {
    const { id, secret_id: secretId } = call.params as { id: string; secret_id: string }
    const key = await call.keys.endGrace(id, secretId, keyChangeOf(call))
    return jsonAnswer(200, toKeyJson(key), etag(key))
  },
})

const enforceTrial = defineOperation({
  id: 'enforceTrial',
  method: 'POST',
  path: `${keysPath}/{id}/trial/enforce`,
  role: 'admin',
  summary:
    'Enforce the rules on trial from now on, in place of those that the key has. 409 when there are none.',
  headers: ifMatchHeader,
  answers: { 200: { description: 'The key with its new rules.', schema: keySchema } },
  async handle(call) {
    const key = await call.keys.enforceTrial(call.params.id as string, keyChangeOf(call))
    return jsonAnswer(200, toKeyJson(key), etag(key))
  },
})

const dropTrial = defineOperation({
  id: 'dropTrial',
  method: 'DELETE',
  path: `${keysPath}/{id}/trial`,
  role: 'admin',
  summary: 'Forget the rules on trial. 409 when there are none.',
  headers: ifMatchHeader,
  answers: { 200: { description: 'The key without them.', schema: keySchema } },
  async handle(call) {
    const key = await call.keys.dropTrial(call.params.id as string, keyChangeOf(call))
    return jsonAnswer(200, toKeyJson(key), etag(key))
  },
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

import { createHash } from 'node:crypto'
import { toId } from '../../keys/ids.ts'
import type { CreateKeyInput, UpdateKeyInput } from '../../keys/key-fields.ts'
import type { WriteKey } from '../../keys/key-record.ts'
import { toBase62 } from '../../runtime/base62.ts'
import { KeyError } from '../../runtime/errors.ts'
import type { Principal } from '../admin-options.ts'
import { camelCaseKeys } from '../field-names.ts'
import {
  createdKeySchema,
  createKeySchema,
  keyListSchema,
  keySchema,
  keyWithVolumeSchema,
  listKeysQuery,
  toCreatedKeyJson,
  toKeyInput,
  toKeyJson,
  toKeyWithVolumeJson,
  toPageLimit,
  updateKeySchema,
} from '../key-schema.ts'
import { etag, ifMatchHeader, keyChangeOf } from '../key-version.ts'
import { actorOf, defineOperation, emptyAnswer, jsonAnswer, type Operation } from '../operation.ts'
import { AdminProblem } from '../problem.ts'
import type { ScopedKeys } from '../workspace-scope.ts'

export const keysPath = '/api/v1/events/write-keys'

const createWriteKey = defineOperation({
  id: 'createWriteKey',
  method: 'POST',
  path: keysPath,
  role: 'admin',
  summary: 'Create a write key. Its secret is in the answer, and nowhere else ever again.',
  headers: {
    'Idempotency-Key':
      'Makes a repeated call safe: the key is made once. A repetition is answered with 200 and without the secret; with another body, or after the key was removed, with 422.',
  },
  body: { schema: createKeySchema, required: true },
  answers: {
    200: { description: 'The key that an earlier call with this Idempotency-Key made.', schema: keySchema },
    201: { description: 'The new key with its secret.', schema: createdKeySchema },
  },
  async handle(call) {
    const { keys, request, principal } = call
    const id = idempotentId(request.headers.get('idempotency-key'), principal)
    try {
      const created = await keys.create(toKeyInput<CreateKeyInput>(call.body), {
        ...actorOf(call),
        ...(id !== undefined && { id }),
      })
      return jsonAnswer(201, toCreatedKeyJson(created.writeKey, created.key), etag(created.writeKey))
    } catch (error) {
      if (id === undefined || !(error instanceof KeyError) || error.code !== 'conflict') throw error
      if (error.reason === 'workspace_full') throw error
      if (error.reason === 'other_input')
        throw idempotencyProblem('was used with another body; send another key for another call')
      if (error.reason !== 'duplicate') throw spentProblem()
      const earlier = await keys.get(id).catch((gone: unknown) => {
        throw gone instanceof KeyError && gone.code === 'not_found' ? spentProblem() : gone
      })
      return jsonAnswer(200, toKeyJson(earlier), { ...etag(earlier), 'idempotency-replayed': 'true' })
    }
  },
})

const listWriteKeys = defineOperation({
  id: 'listWriteKeys',
  method: 'GET',
  path: keysPath,
  role: 'viewer',
  summary: 'List write keys, newest first or by `sort`, with the volume of the last 24 hours.',
  query: listKeysQuery,
  answers: { 200: { description: 'One page of keys.', schema: keyListSchema } },
  async handle({ keys, query: { limit, ...filters } }) {
    const page = await keys.list({ ...camelCaseKeys(filters), ...toPageLimit(limit) })
    const volumes = await keys.volumes(page.data.map(({ id }) => id))
    return jsonAnswer(200, {
      data: page.data.map((key) => toKeyWithVolumeJson(key, volumes.get(key.id))),
      next_cursor: page.nextCursor,
      total: page.total,
    })
  },
})

const getWriteKey = defineOperation({
  id: 'getWriteKey',
  method: 'GET',
  path: `${keysPath}/{id}`,
  role: 'viewer',
  summary: 'One write key with its volume.',
  answers: { 200: { description: 'The key.', schema: keyWithVolumeSchema } },
  async handle({ keys, params }) {
    const key = await keys.get(params.id as string)
    return jsonAnswer(200, await withVolume(keys, key), etag(key))
  },
})

const updateWriteKey = defineOperation({
  id: 'updateWriteKey',
  method: 'PATCH',
  path: `${keysPath}/{id}`,
  role: 'admin',
  summary:
    'Rename a key or change its rules. Absent fields stay as they are; null takes a rule away. When nothing differs, the version stays.',
  headers: ifMatchHeader,
  body: { schema: updateKeySchema, required: true },
  answers: { 200: { description: 'The changed key.', schema: keySchema } },
  async handle(call) {
    const { version, ...changes } = call.body
    const key = await call.keys.update(
      call.params.id as string,
      toKeyInput<UpdateKeyInput>(changes),
      keyChangeOf(call, version),
    )
    return jsonAnswer(200, toKeyJson(key), etag(key))
  },
})

const deleteWriteKey = defineOperation({
  id: 'deleteWriteKey',
  method: 'DELETE',
  path: `${keysPath}/{id}`,
  role: 'admin',
  summary: 'Revoke a key and forget it with its usage. The audit log stays.',
  headers: ifMatchHeader,
  answers: { 204: { description: 'The key is gone; no process accepts it any more.' } },
  async handle(call) {
    await call.keys.remove(call.params.id as string, keyChangeOf(call))
    return emptyAnswer()
  },
})

export const writeKeyOperations: readonly Operation[] = [
  createWriteKey,
  listWriteKeys,
  getWriteKey,
  updateWriteKey,
  deleteWriteKey,
]

export async function withVolume(keys: ScopedKeys, key: WriteKey) {
  return toKeyWithVolumeJson(key, (await keys.volumes([key.id])).get(key.id))
}

function spentProblem(): AdminProblem {
  return idempotencyProblem('made a key that has been removed, and is spent; send another one')
}

function idempotencyProblem(problem: string): AdminProblem {
  return new AdminProblem('invalid_field', {
    field: 'Idempotency-Key',
    detail: `Idempotency-Key ${problem}`,
  })
}

/**
 * The id of the key that this caller's call with this Idempotency-Key makes, however often it arrives. It is
 * derived, so that nothing must be remembered and every process agrees.
 */
function idempotentId(idempotencyKey: string | null, { name, workspace }: Principal): string | undefined {
  if (idempotencyKey === null) return undefined
  if (!/^[\x21-\x7e]{1,255}$/.test(idempotencyKey))
    throw idempotencyProblem('must have 1 to 255 visible ASCII characters')
  const hash = createHash('sha256')
    .update(JSON.stringify([name, idempotencyKey, ...(workspace === undefined ? [] : [workspace])]))
    .digest()
  // Two halves of 47 bits, eight base62 characters each.
  const half = (at: number) => toBase62(hash.readUIntBE(at, 6) % 62 ** 8, 8)
  return toId('key', half(0) + half(6))
}

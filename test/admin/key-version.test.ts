import { describe, expect, it } from 'vitest'
import { base, startAdmin } from './admin-calls.ts'

/** A key with two secrets and rules on trial, that somebody has changed once since it was read. */
async function startChangedKey() {
  const { call, keys } = startAdmin()
  const { writeKey } = await keys.create({ name: 'Shop', sourceType: 'web' })
  await keys.rotate(writeKey.id)
  const seen = await keys.update(writeKey.id, { trial: { allowedOrigins: ['https://first.example'] } })
  await keys.update(writeKey.id, { trial: { allowedOrigins: ['https://second.example'] } })
  return { call, keys, id: seen.id, seen: `"${seen.version}"`, secretId: seen.secrets[0]?.id }
}

const changes = [
  ['POST', '/trial/enforce'],
  ['DELETE', '/trial'],
  ['POST', '/pause'],
  ['POST', '/resume'],
  ['POST', '/rotate'],
  ['DELETE', '/secrets/{secret_id}'],
  ['POST', '/revoke'],
  ['DELETE', ''],
] as const

describe('a change of one key with If-Match', () => {
  it.each(changes)('is 409 for an older version, and changes nothing: %s %s', async (method, path) => {
    const { call, keys, id, seen, secretId } = await startChangedKey()
    const before = await keys.get(id)
    const url = `${base}/${id}${path.replace('{secret_id}', String(secretId))}`
    const stale = await call(method, url, { headers: { 'if-match': seen } })
    expect(stale).toMatchObject({ status: 409, body: { code: 'conflict', reason: 'version' } })
    const bad = await call(method, url, { headers: { 'if-match': 'x' } })
    expect(bad).toMatchObject({ status: 422, body: { field: 'If-Match' } })
    expect(await keys.get(id)).toEqual(before)
  })

  it.each(changes)('is made when nobody has changed the key: %s %s', async (method, path) => {
    for (const ifMatch of ['version', '*']) {
      const { call, keys, id, secretId } = await startChangedKey()
      if (path === '/resume') await keys.pause(id)
      const { version } = await keys.get(id)
      const url = `${base}/${id}${path.replace('{secret_id}', String(secretId))}`
      const headers = { 'if-match': ifMatch === '*' ? '*' : `"${version}"` }
      expect((await call(method, url, { headers })).status).toBe(url === `${base}/${id}` ? 204 : 200)
      const after = await keys.get(id).catch(() => undefined)
      expect(after?.version).toBe(url === `${base}/${id}` ? undefined : version + 1)
    }
  })

  it('is refused while it waits for another change of the key', async () => {
    const { call, keys, id } = await startChangedKey()
    const { version } = await keys.get(id)
    const headers = { 'if-match': `"${version}"` }
    const answers = await Promise.all([
      call('PATCH', `${base}/${id}`, { headers, body: { name: 'Mine' } }),
      call('POST', `${base}/${id}/pause`, { headers }),
      call('POST', `${base}/${id}/revoke`, { headers }),
    ])
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409, 409])
  })
})

describe('a header whose promise a call does not keep', () => {
  it.each([
    ['POST', '', 'if-match', '"1"'],
    ['POST', '/import', 'if-match', '"1"'],
    ['POST', '/find', 'if-match', '*'],
    ['POST', '/import', 'idempotency-key', 'a'],
    ['PATCH', '/{id}', 'idempotency-key', 'a'],
    ['POST', '/{id}/rotate', 'idempotency-key', 'a'],
    ['DELETE', '/{id}', 'idempotency-key', 'a'],
  ])('is refused: %s %s with %s', async (method, path, header, value) => {
    const { call, keys, id } = await startChangedKey()
    const before = await keys.get(id)
    const answer = await call(method, base + path.replace('{id}', id), { headers: { [header]: value } })
    expect(answer).toMatchObject({ status: 422, body: { code: 'invalid_field' } })
    expect(answer.body.field.toLowerCase()).toBe(header)
    expect((await keys.list()).data).toHaveLength(1)
    expect(await keys.get(id)).toEqual(before)
  })
})

it('openapi.json names If-Match at every change of one key, and Idempotency-Key at the creation alone', async () => {
  const { call } = startAdmin()
  const { paths } = (await call('GET', '/api/v1/openapi.json')).body
  for (const [path, methods] of Object.entries<Record<string, { parameters: { name: string }[] }>>(paths)) {
    for (const [method, { parameters }] of Object.entries(methods)) {
      const names = parameters.map(({ name }) => name)
      expect(names.includes('If-Match')).toBe(method !== 'get' && path.startsWith(`${base}/{id}`))
      expect(names.includes('Idempotency-Key')).toBe(method === 'post' && path === base)
    }
  }
})

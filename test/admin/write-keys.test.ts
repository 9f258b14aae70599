import { describe, expect, it } from 'vitest'
import { type Answer, base, startAdmin } from './admin-calls.ts'
import { documented } from './documented-key.ts'

describe('creating a key', () => {
  it('refuses a plan that the application does not have', async () => {
    const { call, keys } = startAdmin({ keys: { plans: { free: { rateLimitEps: 50 } } } })
    const { writeKey } = await keys.create({ name: 'Shop', sourceType: 'web', plan: 'free' })
    const body = { name: 'Shop', source_type: 'web', plan: 'fre' }
    for (const answer of [
      await call('POST', base, { body }),
      await call('PATCH', `${base}/${writeKey.id}`, { body: { plan: 'fre' } }),
    ])
      expect(answer.body).toMatchObject({ status: 422, field: 'plan' })
  })

  it('answers as documented, with the secret', async () => {
    const { call, keys } = startAdmin()
    const { status, body, headers } = await call('POST', base, { body: documented })
    expect(status).toBe(201)
    expect(body).toMatchObject({ ...documented, status: 'active', created_at: '2026-01-05T12:01:00.000Z' })
    expect(body.id).toMatch(/^wk_[0-9A-Za-z]{16}$/)
    expect(body.key).toMatch(/^sk_live_[0-9A-Za-z]{38}$/)
    expect(headers.get('cache-control')).toBe('no-store, no-transform')
    const verdict = await keys.verify({
      method: 'POST',
      path: '/v1/track',
      headers: { authorization: `Basic ${Buffer.from(`${body.key}:`).toString('base64')}` },
      body: {},
    })
    expect(verdict).toMatchObject({ ok: true, writeKey: { id: body.id } })
  })

  it('shows the fields of the documents first, everywhere and in its description', async () => {
    const { call } = startAdmin()
    const head = ['id', 'name', 'source_type', 'rate_limit_eps', 'allowed_event_types', 'allowed_origins']
    const plain = [...head, 'status', 'created_at', 'environment']
    const withSecret = plain.toSpliced(2, 0, 'key')
    const startOf = (key: object, like: readonly string[]) => Object.keys(key).slice(0, like.length)

    const { body: created } = await call('POST', base, { body: documented })
    const { body: rotated } = await call('POST', `${base}/${created.id}/rotate`)
    for (const key of [created, rotated]) expect(startOf(key, withSecret)).toEqual(withSecret)
    const { body: list } = await call('GET', base)
    for (const key of [
      list.data[0],
      (await call('GET', `${base}/${created.id}`)).body,
      (await call('PATCH', `${base}/${created.id}`, { body: { name: 'Web' } })).body,
      (await call('POST', `${base}/find`, { body: { key: created.key } })).body,
    ])
      expect(startOf(key, plain)).toEqual(plain)

    const { paths } = (await call('GET', '/api/v1/openapi.json')).body
    const fieldsOf = (body: Answer['body']) => body.content['application/json'].schema.properties
    expect(startOf(fieldsOf(paths[base].post.responses[201]), withSecret)).toEqual(withSecret)
    expect(startOf(fieldsOf(paths[`${base}/{id}/rotate`].post.responses[200]), withSecret)).toEqual(
      withSecret,
    )
    expect(startOf(fieldsOf(paths[`${base}/{id}`].get.responses[200]), plain)).toEqual(plain)
    const input = fieldsOf(paths[base].post.requestBody)
    expect(startOf(input, Object.keys(documented))).toEqual(Object.keys(documented))
  })

  it('takes the path with a slash at its end', async () => {
    const { call } = startAdmin()
    expect((await call('POST', `${base}/`, { body: documented })).status).toBe(201)
    expect((await call('GET', `${base}/`)).body.data).toHaveLength(1)
  })

  it.each([
    [{ ...documented, status: 'active' }, 'status'],
    [{ ...documented, id: 'wk_1' }, 'id'],
    [{ ...documented, key: 'sk_live_x' }, 'key'],
    [{ ...documented, sourceType: 'web' }, 'sourceType'],
    [{ ...documented, name: '' }, 'name'],
    [{ ...documented, name: 'a\r\nb' }, 'name'],
    [{ ...documented, name: ['a'] }, 'name'],
    [{ ...documented, source_type: 'tv' }, 'source_type'],
    [{ ...documented, rate_limit_eps: 0 }, 'rate_limit_eps'],
    [{ ...documented, rate_limit_eps: 1e-320 }, 'rate_limit_eps'],
    [{ ...documented, rate_limit_eps: 0.000_999 }, 'rate_limit_eps'],
    [{ ...documented, rate_limit_eps: 1_000_000.5 }, 'rate_limit_eps'],
    [{ ...documented, rate_limit_eps: '500' }, 'rate_limit_eps'],
    [{ ...documented, allowed_event_types: ['trak'] }, 'allowed_event_types'],
    [{ ...documented, allowed_event_types: [] }, 'allowed_event_types'],
    [{ ...documented, allowed_origins: ['https://app.example.com/x'] }, 'allowed_origins'],
    [{ ...documented, allowed_ips: ['1.2.3'] }, 'allowed_ips'],
    [{ ...documented, expires_at: '2020-01-01T00:00:00Z' }, 'expires_at'],
    [{ ...documented, metadata: [] }, 'metadata'],
    [{ name: 'a' }, 'source_type'],
    [[], 'body'],
    ['"text"', 'body'],
  ])('refuses %j with 422 naming %s, and changes nothing', async (body, field) => {
    const { call, keys } = startAdmin()
    const answer = await call('POST', base, { body })
    expect(answer.status).toBe(422)
    expect(answer.body).toMatchObject({ code: 'invalid_field', field })
    expect(answer.body.detail).toContain(field)
    expect((await keys.list()).data).toEqual([])
    expect((await keys.audit()).data).toMatchObject([
      {
        action: 'refused',
        actor: 'ops',
        address: '192.0.2.1',
        after: { call: 'createWriteKey', status: 422 },
      },
    ])
  })

  it('makes one key for one Idempotency-Key, and shows its secret once', async () => {
    const { call } = startAdmin()
    const headers = { 'idempotency-key': '7f9c2e' }
    const first = await call('POST', base, { body: documented, headers })
    const second = await call('POST', base, { body: documented, headers })
    expect(first.status).toBe(201)
    expect(second.status).toBe(200)
    expect(second.body.id).toBe(first.body.id)
    expect(second.body).not.toHaveProperty('key')
    expect(second.headers.get('idempotency-replayed')).toBe('true')
    const other = await call('POST', base, { body: documented, headers: { 'idempotency-key': '7f9c2f' } })
    expect(other.body.id).not.toBe(first.body.id)
    const bad = await call('POST', base, { body: documented, headers: { 'idempotency-key': 'a b' } })
    expect(bad).toMatchObject({ status: 422, body: { field: 'Idempotency-Key' } })
  })
})

describe('changing a key', () => {
  it('renames and restricts, and leaves the rest', async () => {
    const { call } = startAdmin()
    const { body: created } = await call('POST', base, { body: documented })
    const { status, body } = await call('PATCH', `${base}/${created.id}`, {
      body: { name: 'Site', allowed_origins: null, allowed_ips: ['10.0.0.0/8'] },
    })
    expect(status).toBe(200)
    expect(body).toMatchObject({
      name: 'Site',
      allowed_origins: null,
      allowed_ips: ['10.0.0.0/8'],
      allowed_event_types: documented.allowed_event_types,
      version: 2,
    })
  })

  it('refuses a change of an older version, by If-Match or version', async () => {
    const { call } = startAdmin()
    const { body: created, headers } = await call('POST', base, { body: documented })
    const path = `${base}/${created.id}`
    const etag = headers.get('etag') as string
    expect((await call('PATCH', path, { body: { name: 'b' }, headers: { 'if-match': etag } })).status).toBe(
      200,
    )
    for (const stale of [
      { body: { name: 'c' }, headers: { 'if-match': etag } },
      { body: { name: 'c', version: 1 } },
    ]) {
      expect(await call('PATCH', path, stale)).toMatchObject({
        status: 409,
        body: { code: 'conflict', reason: 'version' },
      })
    }
    expect((await call('PATCH', path, { body: { name: 'c', version: 2 } })).body.name).toBe('c')
    expect(await call('PATCH', path, { body: {}, headers: { 'if-match': 'x' } })).toMatchObject({
      status: 422,
      body: { field: 'If-Match' },
    })
  })

  it('refuses a version in the body that If-Match contradicts, whichever of them is old', async () => {
    const { call, keys } = startAdmin()
    const { body: created } = await call('POST', base, { body: documented })
    const path = `${base}/${created.id}`
    await call('PATCH', path, { body: { name: 'b' } })
    for (const [inHeader, inBody] of [
      [2, 1],
      [1, 2],
    ]) {
      const body = { name: 'c', version: inBody }
      const answer = await call('PATCH', path, { body, headers: { 'if-match': `"${inHeader}"` } })
      expect(answer).toMatchObject({ status: 422, body: { field: 'version' } })
    }
    expect(await keys.get(created.id)).toMatchObject({ name: 'b', version: 2 })
    const body = { name: 'c', version: 2 }
    expect((await call('PATCH', path, { body, headers: { 'if-match': '"2"' } })).status).toBe(200)
  })

  it('refuses another environment, which a key keeps for life', async () => {
    const { call } = startAdmin()
    const { body: created } = await call('POST', base, { body: documented })
    expect(await call('PATCH', `${base}/${created.id}`, { body: { environment: 'test' } })).toMatchObject({
      status: 422,
      body: { field: 'environment' },
    })
  })
})

describe('the end of a key', () => {
  it('rotates with a grace, ends it early, revokes and deletes', async () => {
    const { call, keys } = startAdmin()
    const { body: created } = await call('POST', base, { body: documented })
    const path = `${base}/${created.id}`
    const accepts = async (key: string) => {
      const authorization = `Basic ${Buffer.from(`${key}:`).toString('base64')}`
      return (await keys.verify({ method: 'POST', path: '/v1/track', headers: { authorization }, body: {} }))
        .ok
    }
    const { status, body: rotated } = await call('POST', `${path}/rotate`, {
      body: { grace_period_hours: 24 },
    })
    expect(status).toBe(200)
    expect(rotated).toMatchObject({ id: created.id, grace_expires_at: '2026-01-06T12:01:00.000Z' })
    expect([await accepts(created.key), await accepts(rotated.key)]).toEqual([true, true])

    const ended = await call('DELETE', `${path}/secrets/${rotated.secrets[0].id}`)
    expect(ended.body.secrets).toHaveLength(1)
    expect([await accepts(created.key), await accepts(rotated.key)]).toEqual([false, true])

    const revoked = await call('POST', `${path}/revoke`)
    expect(revoked.body).toMatchObject({ status: 'revoked', revoked_at: '2026-01-05T12:01:00.000Z' })
    expect(await accepts(rotated.key)).toBe(false)
    expect((await call('POST', `${path}/revoke`)).status).toBe(200)
    expect(await call('POST', `${path}/rotate`)).toMatchObject({ status: 409, body: { reason: 'revoked' } })

    const gone = await call('DELETE', path)
    expect(gone).toMatchObject({ status: 204, body: '' })
    expect((await call('GET', path)).status).toBe(404)
    expect((await call('DELETE', path)).status).toBe(404)
  })

  it('rotates with the default grace when there is no body', async () => {
    const { call } = startAdmin()
    const { body: created } = await call('POST', base, { body: documented })
    const { body } = await call('POST', `${base}/${created.id}/rotate`)
    expect(body.grace_expires_at).toBe('2026-01-06T12:01:00.000Z')
  })

  it.each([-1, 721, '24', null, 1e9, [24]])('refuses a grace of %j', async (hours) => {
    const { call } = startAdmin()
    const { body: created } = await call('POST', base, { body: documented })
    const answer = await call('POST', `${base}/${created.id}/rotate`, { body: { grace_period_hours: hours } })
    expect(answer).toMatchObject({ status: 422, body: { field: 'grace_period_hours' } })
  })
})

describe('an id that is none', () => {
  it.each(['wk_unknown', '%2e%2e%2fx', 'wk_%00', `wk_${'a'.repeat(5_000)}`, "wk_'--", '%ff', 'constructor'])(
    'is 404 for %s',
    async (id) => {
      const { call } = startAdmin()
      for (const [method, path] of [
        ['GET', ''],
        ['DELETE', ''],
        ['POST', '/revoke'],
        ['POST', '/rotate'],
        ['GET', '/usage'],
      ] as const) {
        const { status, body } = await call(method, `${base}/${id}${path}`)
        expect([status, body.code]).toEqual([404, 'not_found'])
      }
    },
  )
})

import { describe, expect, it } from 'vitest'
import { createAdminApi } from '../../src/admin/index.ts'
import { createWriteKeys } from '../../src/index.ts'
import { adminToken, base, startAdmin, tokens, viewerToken } from './admin-calls.ts'

const key = { name: 'Web', source_type: 'web' }

describe('starting the management API', () => {
  it.each([
    ['no options', {}],
    ['no token', { tokens: [] }],
    ['tokens that are none', { tokens: 'x' }],
    ['an undefined token', { tokens: [{ name: 'ops', token: undefined, role: 'admin' }] }],
    ['an empty token', { tokens: [{ name: 'ops', token: '', role: 'admin' }] }],
    ['a blank token', { tokens: [{ name: 'ops', token: ' '.repeat(40), role: 'admin' }] }],
    ['a token of 31 characters', { tokens: [{ name: 'ops', token: 'x'.repeat(31), role: 'admin' }] }],
    [
      'a token with a blank at its end',
      { tokens: [{ name: 'ops', token: `${adminToken} `, role: 'admin' }] },
    ],
    ['an unknown role', { tokens: [{ name: 'ops', token: adminToken, role: 'root' }] }],
    ['no role', { tokens: [{ name: 'ops', token: adminToken }] }],
    ['no name', { tokens: [{ token: adminToken, role: 'admin' }] }],
    ['the same token twice', { tokens: [tokens[0], { ...tokens[1], token: adminToken }] }],
    ['an unknown option', { tokens, cors: true }],
    ['a bad base path', { tokens, basePath: '/x/' }],
    ['a base path that is none', { tokens, basePath: '/a/../b' }],
    ['authorize that is no function', { authorize: 'yes' }],
  ])('is refused with %s', (_, options) => {
    const keys = createWriteKeys()
    expect(() => createAdminApi(keys, options as never)).toThrow(
      expect.objectContaining({ code: 'invalid_config' }),
    )
    try {
      createAdminApi(keys, options as never)
    } catch (error) {
      expect(String(error)).not.toContain(adminToken)
    }
  })
})

describe('access', () => {
  it.each([
    ['no token', { token: null }],
    ['a wrong token', { token: `${adminToken}x` }],
    ['another scheme', { token: null, headers: { authorization: `Basic ${adminToken}` } }],
    ['two tokens', { token: null, headers: { authorization: `Bearer ${adminToken}, Bearer ${adminToken}` } }],
    ['an empty token', { token: null, headers: { authorization: 'Bearer ' } }],
    ['undefined', { token: 'undefined' }],
  ])('is refused with %s, by a challenge that opens no login box', async (_, options) => {
    const { call } = startAdmin()
    for (const path of [
      base,
      `${base}/wk_x`,
      '/api/v1/events/audit-log',
      '/api/v1/openapi.json',
      `${base}/x/y`,
    ]) {
      const { status, headers, body } = await call('GET', path, options)
      expect([status, body.code]).toEqual([401, 'invalid_token'])
      expect(headers.get('www-authenticate')).toBe('Bearer realm="writekey"')
    }
  })

  it('takes the scheme in any case, and no token from the query', async () => {
    const { call } = startAdmin()
    const headers = { authorization: `bearer ${adminToken}` }
    expect((await call('GET', base, { token: null, headers })).status).toBe(200)
    expect((await call('GET', `${base}?token=${adminToken}`, { token: null })).status).toBe(401)
  })

  it('refuses a write key, as ingest refuses an admin token', async () => {
    const { call, keys } = startAdmin()
    const { body } = await call('POST', base, { body: key })
    expect((await call('GET', base, { token: body.key })).status).toBe(401)
    const authorization = `Basic ${Buffer.from(`${adminToken}:`).toString('base64')}`
    const verdict = await keys.verify({
      method: 'POST',
      path: '/v1/track',
      headers: { authorization },
      body: {},
    })
    expect(verdict).toMatchObject({ ok: false, reply: { status: 401 } })
  })

  it('lets a viewer read everything and change nothing', async () => {
    const { call, keys } = startAdmin()
    const { body: created } = await call('POST', base, { body: key })
    const path = `${base}/${created.id}`
    const before = await keys.get(created.id)
    for (const readable of [
      base,
      path,
      `${path}/usage`,
      '/api/v1/events/audit-log',
      '/api/v1/openapi.json',
    ]) {
      expect((await call('GET', readable, { token: viewerToken })).status).toBe(200)
    }
    for (const asked of ['find', 'check']) {
      const body = { key: created.key }
      const answer = await call('POST', `${base}/${asked}`, { token: viewerToken, body })
      expect([asked, answer.status]).toEqual([asked, 200])
    }
    const writes = [
      ['POST', base, key],
      ['PATCH', path, { name: 'Mine' }],
      ['DELETE', path, undefined],
      ['POST', `${path}/rotate`, {}],
      ['POST', `${path}/revoke`, undefined],
      ['DELETE', `${path}/secrets/${created.secrets[0].id}`, undefined],
    ] as const
    for (const [method, at, body] of writes) {
      const answer = await call(method, at, { token: viewerToken, ...(body !== undefined && { body }) })
      expect([answer.status, answer.body.code]).toEqual([403, 'read_only_token'])
    }
    expect(await keys.get(created.id)).toEqual(before)
    const { data } = await keys.audit({ limit: 100 })
    const refused = data.filter(({ action }) => action === 'refused')
    expect(refused.map(({ actor, after }) => [actor, after?.call, after?.code]).toSorted()).toEqual(
      [
        'createWriteKey',
        'deleteWriteKey',
        'endGrace',
        'revokeWriteKey',
        'rotateWriteKey',
        'updateWriteKey',
      ].map((call) => ['board', call, 'read_only_token']),
    )
  })

  it('throttles wrong tokens per address and never the right one', async () => {
    const { call, keys, time } = startAdmin()
    const statuses = []
    for (let index = 0; index < 100; index++) {
      statuses.push((await call('GET', base, { token: `${adminToken}${index}` })).status)
    }
    expect(statuses.filter((status) => status === 401)).toHaveLength(20)
    const { status, headers } = await call('GET', base, { token: 'wrong' })
    expect([status, headers.get('retry-after')]).toEqual([429, '60'])
    expect((await call('GET', base)).status).toBe(200)
    expect((await call('GET', base, { token: 'wrong', address: '198.51.100.7' })).status).toBe(401)
    expect((await keys.audit({ limit: 100 })).data.length).toBeLessThanOrEqual(21)
    time.now += 60_000
    expect((await call('GET', base, { token: 'wrong' })).status).toBe(401)
  })

  it('counts an IPv6 network as one address', async () => {
    const { call } = startAdmin()
    for (let index = 0; index < 20; index++)
      await call('GET', base, { token: 'wrong', address: `2001:db8::${index}` })
    expect((await call('GET', base, { token: 'wrong', address: '2001:db8::ffff' })).status).toBe(429)
    expect((await call('GET', base, { token: 'wrong', address: '2001:db8:1::1' })).status).toBe(401)
  })

  it('bounds what strangers write into the audit log', async () => {
    const { call, keys } = startAdmin()
    for (let index = 0; index < 400; index++) {
      await call('POST', base, { token: null, body: key, address: `10.0.${index % 250}.1` })
    }
    let entries = 0
    let cursor: string | null = null
    do {
      const page: Awaited<ReturnType<typeof keys.audit>> = await keys.audit({
        limit: 100,
        ...(cursor !== null && { cursor }),
      })
      entries += page.data.length
      cursor = page.nextCursor
    } while (cursor !== null)
    expect(entries).toBeLessThanOrEqual(201)
  })

  it('asks the application when there is no token, and refuses what it refuses', async () => {
    const { call, keys } = startAdmin({
      admin: {
        tokens: [],
        authorize: async (request) => {
          const user = request.headers.get('x-user')
          return user === null ? null : { name: user, role: user === 'ada' ? 'admin' : 'viewer' }
        },
      },
    })
    const as = (user: string) => ({ token: null, headers: { 'x-user': user } })
    expect((await call('POST', base, { ...as('ada'), body: key })).status).toBe(201)
    expect((await call('POST', base, { ...as('bob'), body: key })).status).toBe(403)
    expect((await call('GET', base, as('bob'))).status).toBe(200)
    expect((await call('GET', base, { token: null })).status).toBe(401)
    expect((await keys.audit()).data.map(({ actor }) => actor).toSorted()).toEqual(['ada', 'bob'])
  })

  it('refuses everybody when the application throws or answers nonsense', async () => {
    for (const authorize of [
      () => {
        throw new Error('secret detail')
      },
      () => ({ name: 'x' }) as never,
      () => true as never,
    ]) {
      const { call } = startAdmin({ admin: { tokens: [], authorize } })
      const { status, body } = await call('GET', base, { token: null })
      expect([status, body.code]).toEqual([500, 'internal_error'])
      expect(JSON.stringify(body)).not.toContain('secret detail')
    }
  })

  it('believes a forwarded address only from trusted proxies', async () => {
    const headers = { 'x-forwarded-for': '203.0.113.9' }
    for (const [trusted, expected] of [
      [false, '192.0.2.1'],
      [true, '203.0.113.9'],
    ] as const) {
      const { call, keys } = startAdmin({ admin: { tokens, ...(trusted && { trustedProxies: 1 }) } })
      await call('POST', base, { body: key, headers })
      expect((await keys.audit()).data[0]?.address).toBe(expected)
    }
  })
})

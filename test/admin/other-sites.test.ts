import { describe, expect, it } from 'vitest'
import { adminToken, base, startAdmin, tokens } from './admin-calls.ts'

const key = { name: 'Web', source_type: 'web' }

describe('requests from other sites', () => {
  it.each([
    [{ 'sec-fetch-site': 'cross-site' }],
    [{ 'sec-fetch-site': 'same-site' }],
    [{ 'sec-fetch-site': 'same-origin, cross-site' }],
    [{ 'sec-fetch-site': '' }],
    [{ origin: 'https://app.example', host: 'app.example', 'x-forwarded-proto': 'http' }],
    [{ origin: 'https://app.example:8443', host: 'app.example' }],
    [{ origin: 'https://', host: '' }],
    [{ origin: 'http://localhost', host: '' }],
    [{ origin: 'http://localhost:3000' }],
    [{ origin: 'https://evil.example', host: 'app.example' }],
    [{ origin: 'null', host: 'app.example' }],
  ])('change nothing: %j', async (headers) => {
    const { call, keys } = startAdmin()
    const answer = await call('POST', base, { body: key, headers: headers as Record<string, string> })
    expect([answer.status, answer.body.code]).toEqual([403, 'cross_site_request'])
    expect((await keys.list()).data).toEqual([])
  })

  it.each([
    [{ 'sec-fetch-site': 'same-origin', origin: 'https://app.example' }],
    [{ origin: 'https://app.example', host: 'app.example' }],
    [{ origin: 'http://localhost' }],
    [{ origin: 'https://app.example', host: 'app.example:443' }],
    [{ origin: 'https://app.example', host: 'backend:3000', 'x-forwarded-host': 'app.example' }],
    [
      {
        origin: 'https://app.example',
        'x-forwarded-host': 'app.example, edge',
        'x-forwarded-proto': 'https',
      },
    ],
    [{ 'sec-fetch-site': 'none' }],
    [{ cookie: 'theme=dark' }],
    [{}],
  ])('are told from our own page: %j', async (headers) => {
    const { call } = startAdmin()
    expect((await call('POST', base, { body: key, headers: headers as Record<string, string> })).status).toBe(
      201,
    )
  })

  describe('when the application goes by a cookie', () => {
    async function setUp() {
      const admin = startAdmin({
        admin: {
          tokens,
          authorize: ({ headers }) =>
            headers.get('cookie') === 'session=ada' || headers.get('x-client-cert') === 'ada'
              ? { name: 'ada', role: 'admin' }
              : null,
        },
      })
      const { writeKey } = await admin.keys.create({ name: 'Web', sourceType: 'web' })
      const revoke = (headers: object, token: string | null = null) =>
        admin.call('POST', `${base}/${writeKey.id}/revoke`, { token, headers: { ...headers } })
      return { ...admin, id: writeKey.id, revoke }
    }
    const cookie = 'session=ada'

    it.each([
      [{ cookie, 'sec-fetch-site': 'same-site' }],
      [{ cookie, 'sec-fetch-site': 'cross-site' }],
      [{ cookie, 'sec-fetch-site': 'none' }],
      [{ cookie, 'sec-fetch-site': 'same-site', origin: 'https://app.example', host: 'app.example' }],
      [{ cookie, origin: 'https://other.app.example', host: 'app.example' }],
      [{ cookie, origin: 'null', host: 'app.example' }],
      [{ cookie, host: 'app.example' }],
      [{ cookie, host: 'app.example', authorization: 'Basic eDp5' }],
    ])('change nothing: %j', async (headers) => {
      const { revoke, keys, id } = await setUp()
      const answer = await revoke(headers)
      expect([answer.status, answer.body.code]).toEqual([403, 'cross_site_request'])
      expect((await keys.get(id)).status).toBe('active')
    })

    it.each([
      [{ cookie, 'sec-fetch-site': 'same-origin' }],
      [{ cookie, origin: 'https://app.example', host: 'app.example' }],
      [{ 'x-client-cert': 'ada' }],
    ])('are told from our own page and from clients without cookies: %j', async (headers) => {
      const { revoke } = await setUp()
      expect((await revoke(headers)).status).toBe(200)
    })

    it('are let in with a token, whatever cookies come along', async () => {
      const { revoke } = await setUp()
      expect((await revoke({ cookie, host: 'app.example' }, adminToken)).status).toBe(200)
    })

    it('may read', async () => {
      const { call } = await setUp()
      const headers = { cookie, 'sec-fetch-site': 'same-site' }
      expect((await call('GET', base, { token: null, headers })).status).toBe(200)
    })
  })

  it('never get a CORS header', async () => {
    const { call } = startAdmin()
    for (const method of ['GET', 'POST', 'OPTIONS', 'PUT']) {
      const { headers } = await call(method, base, {
        headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' },
      })
      expect([...headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
    }
  })

  it.each([
    ['text/plain', '{}'],
    ['application/x-www-form-urlencoded', 'name=x&source_type=web'],
    ['multipart/form-data; boundary=x', '--x--'],
    ['application/json-patch+json', '{}'],
  ])('cannot send %s', async (type, body) => {
    const { call } = startAdmin()
    const answer = await call('POST', base, { body, headers: { 'content-type': type } })
    expect([answer.status, answer.body.code]).toEqual([415, 'unsupported_media_type'])
  })

  it('cannot override the method', async () => {
    const { call, keys } = startAdmin()
    const { body } = await call('POST', base, { body: key })
    await call('GET', `${base}/${body.id}?_method=DELETE`, {
      headers: { 'x-http-method-override': 'DELETE' },
    })
    expect((await keys.list()).data).toHaveLength(1)
  })
})

import { describe, expect, it } from 'vitest'
import { adminToken, base, startAdmin } from './admin-calls.ts'

const key = { name: 'Web', source_type: 'web' }

describe('bodies and methods', () => {
  it.each([
    ['{', 400, 'invalid_json'],
    ['', 400, 'invalid_json'],
    ['\xff\xff', 400, 'invalid_json'],
    [JSON.stringify({ ...key, metadata: { a: 'x'.repeat(70_000) } }), 413, 'payload_too_large'],
  ])('refuses body %#', async (body, status, code) => {
    const { call } = startAdmin()
    const answer = await call('POST', base, { body })
    expect([answer.status, answer.body.code]).toEqual([status, code])
  })

  it('stops reading a body without a length at the limit', async () => {
    const { api } = startAdmin()
    let sent = 0
    const body = new ReadableStream({
      pull(controller) {
        sent += 16_384
        controller.enqueue(new Uint8Array(16_384))
      },
    })
    const response = await api.fetch(
      new Request(`http://localhost${base}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
        body,
        duplex: 'half',
      } as RequestInit),
    )
    expect(response.status).toBe(413)
    expect(sent).toBeLessThan(200_000)
  })

  it('reads no body of a caller it does not know', async () => {
    const { api } = startAdmin()
    let asked = false
    const body = new ReadableStream(
      {
        pull(controller) {
          asked = true
          controller.close()
        },
      },
      { highWaterMark: 0 },
    )
    const request = { method: 'POST', headers: { 'content-type': 'application/json' }, body, duplex: 'half' }
    const response = await api.fetch(new Request(`http://localhost${base}`, request as RequestInit))
    expect([response.status, asked]).toEqual([401, false])
  })

  it.each([
    ['PUT', base, 'POST, GET, HEAD'],
    ['DELETE', base, 'POST, GET, HEAD'],
    ['POST', `${base}/wk_x`, 'GET, HEAD, PATCH, DELETE'],
    ['GET', `${base}/wk_x/rotate`, 'POST'],
    ['OPTIONS', '/api/v1/events/audit-log', 'GET, HEAD'],
  ])('answers %s %s with the methods that are allowed', async (method, path, allow) => {
    const { call } = startAdmin()
    const { status, headers } = await call(method, path)
    expect([status, headers.get('allow')]).toEqual([405, allow])
  })

  it('answers HEAD like GET, without a body', async () => {
    const { call } = startAdmin()
    const { status, headers, body } = await call('HEAD', base)
    expect([status, headers.get('content-type'), body]).toEqual([200, 'application/json', ''])
  })

  it('says where a fault lies without saying how the server is built', async () => {
    const store = startAdmin().store
    const { call } = startAdmin({
      keys: {
        store: {
          ...store,
          list() {
            throw new TypeError('/srv/app/secret.js broke: SELECT')
          },
        },
      },
    })
    const { status, body } = await call('GET', base)
    expect([status, body.code]).toEqual([500, 'internal_error'])
    expect(JSON.stringify(body)).not.toMatch(/secret|SELECT|at /)
  })
})

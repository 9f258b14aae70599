import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AdminApi, createAdminApi } from '../../src/admin/index.ts'
import { createWriteKeys, type KeyStore, type WriteKeys } from '../../src/index.ts'

/** An application with ingest under `/v1` and the management API at its root. */
export interface ManagedServer {
  url: string
  close(): Promise<void>
}

const token = 'contract-0123456789-0123456789-0123456789'
const base = '/api/v1/events/write-keys'
const hourMs = 3_600_000

/**
 * What the management API has to do wherever it is mounted.
 *
 * @param start starts an application that serves both; further middleware of the framework as usual
 * @param createStore a store of this suite alone, closed with its keys
 */
export function adminContract(
  name: string,
  start: (keys: WriteKeys, api: AdminApi) => Promise<ManagedServer>,
  createStore: () => KeyStore,
): void {
  describe(`the management API on ${name}`, () => {
    const time = { now: Date.UTC(2026, 0, 5, 12, 1) }
    let keys: WriteKeys
    let server: ManagedServer

    beforeAll(async () => {
      keys = createWriteKeys({ store: createStore(), clock: () => time.now })
      server = await start(keys, createAdminApi(keys, { tokens: [{ name: 'ops', token, role: 'admin' }] }))
    })
    afterAll(async () => {
      await server.close()
      await keys.close()
    })

    async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
      const response = await fetch(`${server.url}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      const text = await response.text()
      return {
        status: response.status,
        headers: response.headers,
        body: text === '' ? null : JSON.parse(text),
      }
    }

    async function send(key: string, type: string): Promise<number> {
      const authorization = `Basic ${Buffer.from(`${key}:`).toString('base64')}`
      const headers = { authorization, 'content-type': 'application/json' }
      const response = await fetch(`${server.url}/v1/${type}`, {
        method: 'POST',
        headers,
        body: '{"event":"a"}',
      })
      await response.arrayBuffer()
      return response.status
    }

    it('walks a key through its whole life', async () => {
      const created = await call('POST', base, {
        name: 'Web App',
        source_type: 'web',
        rate_limit_eps: 500,
        allowed_event_types: ['track', 'identify', 'page'],
        allowed_origins: ['https://app.example.com', 'https://staging.example.com'],
      })
      expect(created.status).toBe(201)
      const { id, key: first } = created.body
      expect(await send(first, 'track')).toBe(200)
      expect(await send(first, 'group')).toBe(403)

      const listed = await call('GET', `${base}?source_type=web`)
      expect(listed.body.data.filter((key: { id: string }) => key.id === id)).toMatchObject([
        {
          id,
          name: 'Web App',
          status: 'active',
          events_24h: 1,
          rejected_24h: 1,
          last_event_at: '2026-01-05T12:01:00.000Z',
        },
      ])

      const renamed = await call('PATCH', `${base}/${id}`, { name: 'Site' })
      expect([renamed.status, renamed.body.name]).toEqual([200, 'Site'])
      const restricted = await call('PATCH', `${base}/${id}`, { allowed_event_types: ['page'] })
      expect(restricted.body).toMatchObject({ name: 'Site', allowed_event_types: ['page'] })
      expect([await send(first, 'track'), await send(first, 'page')]).toEqual([403, 200])

      const rotated = await call('POST', `${base}/${id}/rotate`, { grace_period_hours: 24 })
      const { key: second } = rotated.body
      expect([rotated.status, rotated.body.grace_expires_at]).toEqual([200, '2026-01-06T12:01:00.000Z'])
      expect([await send(first, 'page'), await send(second, 'page')]).toEqual([200, 200])
      time.now += 24 * hourMs - 1
      expect([await send(first, 'page'), await send(second, 'page')]).toEqual([200, 200])
      time.now += 1
      expect([await send(first, 'page'), await send(second, 'page')]).toEqual([401, 200])

      const usage = await call('GET', `${base}/${id}/usage?window=7d`)
      expect(usage.body).toMatchObject({
        accepted: { track: 1, page: 6 },
        refused: { event_type_not_allowed: 2, expired_key: 1 },
      })

      const revoked = await call('POST', `${base}/${id}/revoke`)
      expect([revoked.status, revoked.body.status]).toEqual([200, 'revoked'])
      expect([await send(first, 'page'), await send(second, 'page')]).toEqual([401, 401])
      expect((await call('POST', `${base}/${id}/rotate`, {})).status).toBe(409)

      expect(await call('DELETE', `${base}/${id}`)).toMatchObject({ status: 204, body: null })
      expect((await call('GET', `${base}/${id}`)).status).toBe(404)
      expect(await send(second, 'page')).toBe(401)
      const audit = await call('GET', `/api/v1/events/audit-log?key_id=${id}`)
      expect(
        audit.body.data.map(({ action, actor }: Record<string, string>) => `${actor} ${action}`),
      ).toEqual([
        'ops remove',
        'ops refused',
        'ops revoke',
        'ops rotate',
        'ops update',
        'ops update',
        'ops create',
      ])
      expect(audit.body.data[0].address).toMatch(/127\.0\.0\.1$/)
    })

    it('refuses without a token, whatever the body', async () => {
      const anonymous = { authorization: '' }
      expect((await call('GET', base, undefined, anonymous)).status).toBe(401)
      expect((await call('POST', base, { name: 'x', source_type: 'web' }, anonymous)).status).toBe(401)
      expect((await call('POST', base, { name: 'x'.repeat(90_000) }, anonymous)).status).toBe(401)
    })

    it('caps bodies, and takes JSON alone', async () => {
      const huge = await call('POST', base, {
        name: 'x',
        source_type: 'web',
        metadata: { a: 'x'.repeat(80_000) },
      })
      expect(huge.status).toBe(413)
      const form = await call('POST', base, {}, { 'content-type': 'text/plain' })
      expect(form.status).toBe(415)
    })

    it('answers for its own paths only, and never for another site', async () => {
      const other = await fetch(`${server.url}/somewhere/else`)
      expect([other.status, other.headers.get('www-authenticate')]).toEqual([404, null])
      const answer = await call('GET', base, undefined, { origin: 'https://evil.example' })
      expect(answer.status).toBe(200)
      expect(answer.headers.get('access-control-allow-origin')).toBeNull()
      expect(answer.headers.get('cache-control')).toBe('no-store')
      expect((await call('PUT', base, {})).headers.get('allow')).toContain('POST')
    })
  })
}

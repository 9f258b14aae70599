import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createMemoryStore, createWriteKeys, type WriteKeys } from '../../src/index.ts'
import { sendRaw, toWire } from '../../src/testing/adapter/raw-http.ts'
import { adminToken, base } from '../admin/admin-calls.ts'
import { type AdminApp, adminApps } from './admin-apps.ts'

/** Each reads as the list of keys, or as one key, to somebody who decodes or folds more than somebody else. */
const foldedTargets = [
  '/api/v1/openapi.json/../events/write-keys',
  '/api/v1/openapi.json/%2e%2e/events/write-keys',
  '/api/v1/openapi.json/.%2E/events/write-keys',
  '/api/v1/openapi.json/..\\events\\write-keys',
  '/api/v1/openapi.json\\..\\events/write-keys',
  '/api/v1/openapi.json/..%2fevents%2fwrite-keys',
  '/api/v1/events/./write-keys',
  '/api/v1/events/audit-log/../write-keys',
  '/api/v1/events/write-keys/.',
  '/api/v1/events/write-keys/x/..',
  '/api/v1/events/write-keys/%2e',
  '/api/v1/events/write-keys//',
  '/api/v1/events//write-keys',
  '//api/v1/events/write-keys',
  '/\\api/v1/events/write-keys',
  '/public/../api/v1/events/write-keys',
  '/api/v1/events/write%2dkeys',
  '/api/v1/events/%77rite-keys',
  '/api/v1/events/write-keys;v=1',
  '/api/v1/events;/write-keys',
  '/api/v1/events/write-keys%00',
  '/api/v1/events/write-keys%2f',
  '/api/v1/events/write-keys%5c',
  '/api/v1/events/write-keys%3flimit=1',
  '/api/v1/events/write-keys#',
  '/api/v1/events/write-keys/#/usage',
  '/api/v1/events/write-keys?limit=1#',
  'http://localhost/api/v1/events/write-keys',
  'http://localhost/api/v1/openapi.json/../events/write-keys',
]

describe.each(adminApps)('the management API on %s', (_, start) => {
  let keys: WriteKeys
  let app: AdminApp

  beforeAll(async () => {
    keys = createWriteKeys({ store: createMemoryStore() })
    await keys.create({ name: 'Web', sourceType: 'web' })
    app = await start(keys)
  })
  afterAll(async () => {
    await app.stop()
    await keys.close()
  })

  function send(startLine: string, headers: readonly string[] = [], method = 'GET') {
    const all = ['Host: localhost', 'Connection: close', `Authorization: Bearer ${adminToken}`, ...headers]
    return sendRaw(app.url, toWire(`${startLine} HTTP/1.1`, all), method)
  }

  it('answers its own paths', async () => {
    expect((await send(`GET ${base}`)).status).toBe(200)
    expect((await send(`GET ${base}/`)).status).toBe(200)
    expect((await send('GET /events/write-keys')).status).toBeOneOf([200, 503])
  })

  it.each(foldedTargets)('has nothing at %s', async (target) => {
    const { status, body } = await send(`GET ${target}`)
    expect(status).toBe(404)
    expect(body).not.toContain('wk_')
  })

  it.each(['TRACE', 'PROPFIND', 'PUT', 'LOCK', 'QUERY', 'SEARCH', 'M-SEARCH', 'OPTIONS', 'BIND'])(
    'refuses %s and says what is allowed',
    async (method) => {
      const { status, headers } = await send(`${method} ${base}`, [], method)
      // Fastify knows fewer methods and has no route for the others.
      expect(status).toBeOneOf([404, 405])
      if (status === 405) expect(headers.allow).toBe('POST, GET, HEAD')
    },
  )

  it.each(['TRACE', 'PROPFIND', 'POST'])('refuses %s of the page', async (method) => {
    expect((await send(`${method} /events/write-keys`, [], method)).status).toBeOneOf([404, 405])
  })

  it('is never kept nor rewritten on the way', async () => {
    for (const target of [base, `${base}/wk_none`, '/api/v1/openapi.json', '/api/v1/events/session']) {
      expect((await send(`GET ${target}`)).headers['cache-control']).toBe('no-store, no-transform')
    }
  })
})

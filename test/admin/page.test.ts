import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { createAdminApi } from '../../src/admin/index.ts'
import { createPage } from '../../src/admin/page/page.ts'
import { createWriteKeys } from '../../src/index.ts'

const script = { name: 'app-abc123.js', content: 'console.log(1)' }
const style = { name: 'app-def456.css', content: 'body{}' }
const page = createPage({ assets: { script, style }, ingestPath: '/v1' })

function get(path: string, options: RequestInit = {}) {
  return page.answer(new Request('http://localhost/', options), path)
}

describe('the page', () => {
  it('sends its policy and the other security headers, with all that belongs to it', () => {
    for (const path of ['', '/', '/app-abc123.js', '/app-def456.css', '/nothing']) {
      const headers = Object.fromEntries(get(`/events/write-keys${path}`)?.headers ?? [])
      expect(headers).toMatchObject({
        'content-security-policy':
          "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
          "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
        'x-frame-options': 'DENY',
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cross-origin-opener-policy': 'same-origin',
      })
    }
  })

  it.each(['self', "'self'"])(
    'is framed by the origins that its owner names, and by nobody else: %s',
    (own) => {
      const frameAncestors = [own, 'https://*.example.com']
      const options = { tokens: [{ name: 'ops', token: 'x'.repeat(40), role: 'admin' as const }] }
      createAdminApi(createWriteKeys({ logger: false }), { ...options, frameAncestors })
      const framed = createPage({ assets: { script, style }, ingestPath: '/v1', frameAncestors })
      const headers = framed.answer(new Request('http://localhost/'), '/events/write-keys')?.headers
      expect(headers?.get('content-security-policy')).toContain(
        "; frame-ancestors 'self' https://*.example.com;",
      )
      expect(headers?.get('x-frame-options')).toBeNull()
    },
  )

  it.each([
    '*',
    'https:',
    'app.example.com',
    'https://app.example.com/',
    'https://app.example.com; script-src *',
    "https://a.example 'unsafe-inline'",
    'https://*',
    'https://a.*.example',
    'HTTPS://APP.EXAMPLE',
    'data:',
    "'none'",
    "'self",
    '',
  ])('takes no %j for an origin that may frame it', (origin) => {
    const options = { tokens: [{ name: 'ops', token: 'x'.repeat(40), role: 'admin' as const }] }
    const keys = createWriteKeys({ logger: false })
    expect(() => createAdminApi(keys, { ...options, frameAncestors: [origin] })).toThrow(
      expect.objectContaining({ name: 'ConfigError', option: 'frameAncestors[0]' }),
    )
  })

  it('names its files relative to itself, so that it works behind every prefix', async () => {
    const html = (await get('/events/write-keys')?.text()) as string
    const names = [...html.matchAll(/(?:src|href)="(?!data:)([^"]+)"/g)].map((match) => match[1] as string)
    expect(names).toHaveLength(2)
    for (const prefix of ['', '/ops', '/a/b/c']) {
      for (const name of names) {
        const { pathname } = new URL(name, `https://example.com${prefix}/events/write-keys`)
        expect(get(pathname.slice(prefix.length))?.status).toBe(200)
      }
    }
    const moved = get('/events/write-keys/')
    const target = new URL(moved?.headers.get('location') ?? '', 'https://example.com/ops/events/write-keys/')
    expect([moved?.status, target.pathname]).toEqual([308, '/ops/events/write-keys'])
  })

  it('is not kept by the browser, while its hashed files are kept for good', () => {
    expect(get('/events/write-keys')?.headers.get('cache-control')).toBe('no-store')
    expect(get('/events/write-keys/app-abc123.js')?.headers.get('cache-control')).toBe(
      'public, max-age=31536000, immutable',
    )
  })

  it('compresses its files for those who can read that', async () => {
    const headers = { 'accept-encoding': 'gzip, deflate, br' }
    const packed = get('/events/write-keys/app-abc123.js', { headers }) as Response
    expect(packed.headers.get('content-encoding')).toBe('gzip')
    expect(gunzipSync(await packed.arrayBuffer()).toString()).toBe(script.content)
    const plain = get('/events/write-keys/app-abc123.js') as Response
    expect([plain.headers.get('content-encoding'), await plain.text()]).toEqual([null, script.content])
  })

  it.each([
    '/events/write-keys/../package.json',
    '/events/write-keys/..%2f..%2fpackage.json',
    '/events/write-keys/app-abc123.js/..',
    '/events/write-keys/__proto__',
    '/events/write-keys/constructor',
    '/events/write-keys//etc/passwd',
  ])('finds nothing at %s', (path) => {
    expect(get(path)?.status).toBe(404)
  })

  it('is read only, and answers for its own paths alone', () => {
    expect(get('/events/write-keys', { method: 'POST' })?.status).toBe(405)
    expect(get('/events/write-keys-and-more')).toBeUndefined()
    expect(get('/api/v1/events/write-keys')).toBeUndefined()
  })

  it('says what to do when it was not built', async () => {
    const unbuilt = createPage({ assets: undefined, ingestPath: '/v1' })
    const answer = unbuilt.answer(new Request('http://localhost/'), '/events/write-keys')
    expect(answer?.status).toBe(503)
    expect(await answer?.text()).toContain('npm run build:page')
  })
})

import type { RequestListener } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import { afterEach, describe, expect, it } from 'vitest'
import { type WriteKeyEnv, writeKeyAuth } from '../../adapters/hono.ts'
import { createTestKeys } from '../../src/testing/index.ts'
import { serve } from '../neighbours/served.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

/** Hono on Node, whose server makes responses of its own. */
async function open(
  handler: (c: Context<WriteKeyEnv>) => Response | Promise<Response>,
  before?: (c: Context, next: () => Promise<void>) => Promise<void>,
  method: 'POST' | 'HEAD' = 'POST',
) {
  const { keys, authorization } = await createTestKeys()
  const app = new Hono<WriteKeyEnv>()
  if (before !== undefined) app.use('*', before)
  app.use('/v1/*', writeKeyAuth(keys))
  app.on(['GET', 'POST'], '/v1/track', handler)
  const { url, close } = await serve(getRequestListener(app.fetch) as RequestListener)
  closers.push(close)
  return () =>
    fetch(`${url}/v1/track`, {
      method,
      headers: { authorization, origin: 'https://a.example' },
      ...(method === 'POST' && { body: '{"event":"a","properties":{"n":[1]}}' }),
    })
}

describe('answers behind writeKeyAuth of Hono on Node', () => {
  it.each([{ n: 1 }, undefined])('are errors when a handler returns %j', async (returned) => {
    const post = await open(() => returned as never)
    expect((await post()).status).toBe(500)
  })

  it('have the headers of both, whatever the case of their names', async () => {
    const post = await open((c) => c.json({ ok: true }, 201, { Vary: 'Accept', 'X-Other': 'kept' }))
    const answer = await post()
    expect([answer.status, await answer.json()]).toEqual([201, { ok: true }])
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'application/json',
      'content-length': '11',
      vary: 'Accept, Origin',
      'access-control-allow-origin': '*',
      'x-other': 'kept',
    })
  })

  it('have them for middleware further out, which may still change them', async () => {
    let seen: string | null = null
    const post = await open(
      (c) => c.text('kept'),
      async (c, next) => {
        await next()
        seen = c.res.headers.get('vary')
        c.header('x-late', 'yes')
        c.res = new Response(`${await c.res.text()} and changed`, c.res)
      },
    )
    const answer = await post()
    expect([seen, await answer.text()]).toEqual(['Origin', 'kept and changed'])
    expect([answer.headers.get('x-late'), answer.headers.get('vary')]).toEqual(['yes', 'Origin'])
  })

  it.each([
    ['no body', () => new Response(null, { status: 204 }), 204, ''],
    [
      'bytes',
      () => new Response(new Uint8Array([104, 105]), { headers: { 'content-type': 'a/b' } }),
      200,
      'hi',
    ],
    ['no type', (c: Context) => c.body('hi', 200, { 'x-other': 'a' }), 200, 'hi'],
    ['a list of headers', () => new Response('hi', { headers: [['vary', 'Accept']] }), 200, 'hi'],
    ['a status text', () => new Response('hi', { statusText: 'Fine' }), 200, 'hi'],
    ['a stream', () => new Response(new Blob(['hi']).stream()), 200, 'hi'],
    ['a name twice', (c: Context) => c.json(1, 200, { Vary: 'A', vary: 'B' }), 200, '1'],
  ])('may have %s', async (_, handler, status, text) => {
    const post = await open(handler)
    const answer = await post()
    expect([answer.status, await answer.text()]).toEqual([status, text])
    expect(answer.headers.get('vary')).toContain('Origin')
    expect(answer.headers.get('x-ratelimit-limit')).toBeNull()
  })

  it('leave what the application keeps for all requests as it is', async () => {
    const headers = Object.freeze({ 'content-type': 'text/plain' })
    const kept: Response[] = []
    const post = await open(() => {
      if (kept.length === 0) kept.push(new Response('same', { headers }))
      return kept[0] as Response
    })
    for (let count = 0; count < 2; count++) expect((await post()).headers.get('vary')).toBe('Origin')
    expect([...(kept[0] as Response).headers.keys()]).toEqual(['content-type'])
  })

  it('are copies of what has no type, which the server of version 1 would not send if it were changed', async () => {
    const kept = new Response('same')
    const post = await open(() => kept)
    for (let count = 0; count < 2; count++) {
      const answer = await post()
      expect([answer.headers.get('vary'), answer.headers.get('content-type')]).toEqual([
        'Origin',
        'text/plain; charset=UTF-8',
      ])
    }
    expect(kept.headers.get('vary')).toBeNull()
  })

  it('may come from elsewhere, with headers that cannot be changed', async () => {
    const elsewhere = await serve((_, response) => {
      response.setHeader('set-cookie', ['a=1', 'b=2'])
      response.end('from elsewhere')
    })
    closers.push(elsewhere.close)
    const post = await open(() => fetch(elsewhere.url))
    const answer = await post()
    expect([answer.status, await answer.text()]).toEqual([200, 'from elsewhere'])
    expect(answer.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
    expect(answer.headers.get('access-control-allow-origin')).toBe('*')
  })

  it.each([
    ['text', (c: Context) => c.text('x')],
    ['JSON', (c: Context) => c.json({})],
    ['bytes without a type', (c: Context) => c.body(new Uint8Array([1]))],
    ['a response of its own', () => new Response('x')],
    ['nothing', (c: Context) => c.body(null, 204)],
  ])('have them for HEAD, too, where GET gives %s', async (_, handler) => {
    const head = await open(handler, undefined, 'HEAD')
    const answer = await head()
    expect([answer.ok, await answer.text()]).toEqual([true, ''])
    expect(answer.headers.get('access-control-allow-origin')).toBe('*')
    expect(answer.headers.get('vary')).toContain('Origin')
  })
})

describe('the body behind writeKeyAuth of Hono', () => {
  it('is new for each caller, as text as well', async () => {
    const post = await open(async (c) => {
      const first = await c.req.json()
      first.event = 'changed'
      first.properties.n.push(2)
      return c.json([await c.req.json(), await c.req.text(), await c.req.raw.text()])
    })
    const sent = { event: 'a', properties: { n: [1] } }
    expect(await (await post()).json()).toEqual([sent, JSON.stringify(sent), JSON.stringify(sent)])
  })

  it('is the one that somebody has put in its place', async () => {
    const post = await open(async (c) => {
      c.req.bodyCache.text = Promise.resolve('{"event":"b"}') as never
      return c.json([await c.req.json(), await c.req.text()])
    })
    expect(await (await post()).json()).toEqual([{ event: 'b' }, '{"event":"b"}'])
  })
})

import express5 from 'express'
import express4 from 'express4'
import Koa3 from 'koa'
import Koa2 from 'koa2'
import { afterEach, describe, expect, it } from 'vitest'
import * as onExpress from '../../adapters/express.ts'
import * as onKoa from '../../adapters/koa.ts'
import { createWriteKeys, type WriteKeys } from '../../src/index.ts'
import { serve } from './served.ts'

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

/** What middleware in front says about an answer of its own. */
const contentHeaders = {
  'content-type': 'text/html',
  'content-encoding': 'br',
  'content-disposition': 'attachment',
  'content-language': 'de',
  etag: '"1"',
  'last-modified': 'Thu, 01 Jan 1970 00:00:00 GMT',
}

function express(of: typeof express5) {
  return (keys: WriteKeys) => {
    const app = of()
    app.use((_req, res, next) => {
      res.status(200).set({ ...contentHeaders, 'content-length': '5', 'x-own': '1' })
      res.statusMessage = 'Fine'
      next()
    })
    app.use('/v1', onExpress.writeKeyAuth(keys))
    return app
  }
}

function koa(Koa: typeof Koa3, body: unknown) {
  return (keys: WriteKeys) => {
    const app = new Koa()
    app.silent = true
    app.use(async (ctx, next) => {
      ctx.body = body
      ctx.set({ ...contentHeaders, 'x-own': '1' })
      ctx.status = 200
      ctx.message = 'Fine'
      await next()
    })
    app.use(onKoa.writeKeyAuth(keys))
    return app.callback()
  }
}

const older = Koa2 as unknown as typeof Koa3

describe.each([
  ['Express 5', express(express5)],
  ['Express 4', express(express4 as unknown as typeof express5)],
  ['Koa 3, an object', koa(Koa3, { page: 'home' })],
  ['Koa 3, text', koa(Koa3, 'home')],
  ['Koa 3, null', koa(Koa3, null)],
  ['Koa 2, an object', koa(older, { page: 'home' })],
  ['Koa 2, bytes', koa(older, Buffer.from('home'))],
])('an answer that middleware in front has begun on %s', (_, build) => {
  async function ask(init: RequestInit) {
    const keys = createWriteKeys()
    const { url, close } = await serve(build(keys) as Parameters<typeof serve>[0])
    closers.push(close, () => void keys.close())
    const response = await fetch(`${url}/v1/track`, init)
    return { response, text: await response.text() }
  }

  it('leaves nothing on a refusal but what is not about its content', async () => {
    const { response, text } = await ask({
      method: 'POST',
      headers: { authorization: `Basic ${btoa('sk_live_nonsense:')}` },
      body: '{}',
    })
    expect(response.status).toBe(401)
    expect(response.statusText).toBe('Unauthorized')
    expect(JSON.parse(text)).toMatchObject({ code: 'invalid_write_key' })
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(response.headers.get('content-length')).toBe(`${text.length}`)
    for (const name of Object.keys(contentHeaders).slice(1)) expect(response.headers.has(name)).toBe(false)
    expect(response.headers.get('x-own')).toBe('1')
  })

  it('leaves nothing on the answer to a preflight', async () => {
    const { response, text } = await ask({
      method: 'OPTIONS',
      headers: { origin: 'https://app.example.com', 'access-control-request-method': 'POST' },
    })
    expect(response.status).toBe(204)
    expect(text).toBe('')
    for (const name of Object.keys(contentHeaders)) expect(response.headers.has(name)).toBe(false)
    expect(response.headers.has('content-length')).toBe(false)
  })
})

describe('onRefused on Koa', () => {
  it('answers in place of a body that was set in front', async () => {
    const keys = createWriteKeys()
    const app = new Koa3()
    app.use(async (ctx, next) => {
      ctx.body = 'home'
      await next()
    })
    app.use(
      onKoa.writeKeyAuth(keys, {
        onRefused(_, ctx) {
          if (ctx.query.own !== undefined) ctx.body = 'mine'
        },
      }),
    )
    const { url, close } = await serve(app.callback())
    closers.push(close, () => void keys.close())
    expect(await (await fetch(`${url}/v1/track?own`)).text()).toBe('mine')
    expect((await fetch(`${url}/v1/track`)).status).toBe(401)
  })
})

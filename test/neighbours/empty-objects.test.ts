import { request } from 'node:http'
import { deflateSync, gzipSync } from 'node:zlib'
import express5, { type RequestHandler } from 'express'
import express4 from 'express4'
import Koa, { type Context } from 'koa'
import { koaBody } from 'koa-body'
import { describe, expect, it, onTestFinished } from 'vitest'
import { writeKeyAuth, writeKeyOf } from '../../adapters/express.ts'
import { writeKeyAuth as koaAuth, writeKeyOf as koaKeyOf } from '../../adapters/koa.ts'
import { createWriteKeys, type WriteKeys } from '../../src/index.ts'
import { serve } from './served.ts'

function expressApp(make: typeof express5, front: readonly RequestHandler[]) {
  return function createApp(keys: WriteKeys) {
    const app = make()
    for (const middleware of front) app.use(middleware)
    app.use('/v1', writeKeyAuth(keys))
    return app.use((req, res) => {
      res.json(writeKeyOf(req).events)
    })
  }
}

function koaApp(keys: WriteKeys) {
  const app = new Koa().use(koaBody()).use(koaAuth(keys))
  app.use((ctx: Context) => {
    ctx.body = koaKeyOf(ctx).events
  })
  return app.callback()
}

const apps = {
  'nothing in front': expressApp(express5, []),
  'express.json() of Express 5': expressApp(express5, [express5.json()]),
  'express.json() of Express 4': expressApp(express4 as never, [express4.json() as never]),
  'koa-body': koaApp,
}

const shapes = {
  'with its length': ['{}', {}],
  'in chunks': ['{}', { 'transfer-encoding': 'chunked' }],
  'as gzip': [gzipSync('{}'), { 'content-encoding': 'gzip' }],
  'as gzip in chunks': [gzipSync('{}'), { 'content-encoding': 'gzip', 'transfer-encoding': 'chunked' }],
  'as deflate': [deflateSync('{}'), { 'content-encoding': 'deflate' }],
} as const

async function start(createApp: (keys: WriteKeys) => unknown) {
  const keys = createWriteKeys({ logger: false })
  const { url, close } = await serve(createApp(keys) as never)
  onTestFinished(() => {
    close()
    return keys.close()
  })
  const { key } = await keys.create({ name: 'Web App', sourceType: 'web' })
  return (body: string | Uint8Array, said: Record<string, string>) =>
    new Promise<[number | undefined, string]>((resolve, reject) => {
      const headers: Record<string, string | number> = { 'content-type': 'application/json', ...said }
      if (!('transfer-encoding' in headers)) headers['content-length'] = Buffer.byteLength(body)
      const sent = request(`${url}/v1/track`, { method: 'POST', auth: `${key}:`, headers }, (answer) => {
        let text = ''
        answer.on('data', (chunk) => {
          text += chunk
        })
        answer.on('end', () => resolve([answer.statusCode, text]))
      })
      sent.on('error', reject).end(body)
    })
}

describe.each(Object.entries(apps))('behind %s', (_, createApp) => {
  it.each(Object.entries(shapes))(
    'an empty object %s is an event without properties',
    async (__, [body, said]) => {
      const send = await start(createApp)
      expect(await send(body, said)).toEqual([200, '[{}]'])
    },
  )

  it('chunks that hold nothing are no event', async () => {
    const send = await start(createApp)
    expect(await send('', { 'transfer-encoding': 'chunked' })).toEqual([
      400,
      expect.stringContaining('"code":"invalid_json"'),
    ])
  })
})

it('an empty object that somebody has put over a body that was taken is our fault', async () => {
  const take: RequestHandler = async (req, _res, next) => {
    for await (const _ of req.iterator({ destroyOnReturn: false }));
    req.body = {}
    next()
  }
  const send = await start(expressApp(express5, [take]))
  const event = '{"type":"track","event":"Paid"}'
  expect(await send(event, {})).toEqual([503, expect.anything()])
  expect(await send(gzipSync(event), { 'content-encoding': 'gzip' })).toEqual([503, expect.anything()])
})

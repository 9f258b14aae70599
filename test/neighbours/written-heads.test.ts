import express5, { type Response as ExpressResponse } from 'express'
import Koa3 from 'koa'
import { afterEach, expect, it } from 'vitest'
import * as onExpress from '../../adapters/express.ts'
import * as onKoa from '../../adapters/koa.ts'
import { createWriteKeys } from '../../src/index.ts'
import { serve } from './served.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

const forms: Record<string, unknown[]> = {
  'a record': [200, { 'X-Own': '1', Vary: 'Accept', 'Set-Cookie': ['a=1', 'b=2'] }],
  'a record behind a phrase': [200, 'Fine', { 'X-Own': '1', Vary: 'Accept', 'Set-Cookie': ['a=1', 'b=2'] }],
  'a flat list': [200, ['X-Own', '1', 'Vary', 'Accept', 'Set-Cookie', 'a=1', 'Set-Cookie', 'b=2']],
  'a flat list behind a phrase': [
    200,
    'Fine',
    ['X-Own', '1', 'vary', 'Accept', 'Set-Cookie', 'a=1', 'set-cookie', 'b=2'],
  ],
  'a flat list with lists': [200, ['X-Own', '1', 'Vary', 'Accept', 'Set-Cookie', ['a=1', 'b=2']]],
  'a list of pairs': [
    200,
    [
      ['X-Own', '1'],
      ['Vary', 'Accept'],
      ['Set-Cookie', 'a=1'],
      ['Set-Cookie', 'b=2'],
    ],
  ],
}

const cors = { 'Access-Control-Allow-Origin': 'https://other.example.com', Vary: 'Origin' }
const page = 'https://app.example.com'

async function ask(write: (response: ExpressResponse) => void, server: 'Express' | 'Koa'): Promise<Response> {
  const keys = createWriteKeys()
  closers.push(() => keys.close())
  const { key } = await keys.create({ name: 'Web App', sourceType: 'web', allowedOrigins: [page] })
  const app = new Koa3()
  app.use(onKoa.writeKeyAuth(keys)).use((ctx) => {
    ctx.respond = false
    write(ctx.res as ExpressResponse)
  })
  const listener =
    server === 'Koa'
      ? app.callback()
      : express5().use(onExpress.writeKeyAuth(keys), (_req, res) => write(res))
  const { url, close } = await serve(listener)
  closers.push(close)
  const headers = { authorization: `Basic ${btoa(`${key}:`)}`, origin: page }
  return await fetch(`${url}/v1/track`, { method: 'POST', headers, body: '{}' })
}

it.each(
  Object.entries(forms).flatMap(([name, form]) =>
    (['Express', 'Koa'] as const).map((on) => [name, on, form] as const),
  ),
)('headers handed to writeHead as %s stand beside ours on %s', async (_, on, form) => {
  const { headers } = await ask((response) => {
    Reflect.apply(response.writeHead, response, form)
    response.end('{}')
  }, on)
  expect(headers.get('access-control-allow-origin')).toBe(page)
  expect(headers.get('vary')).toBe('Accept, Origin')
  expect(headers.get('x-own')).toBe('1')
  expect(headers.getSetCookie()).toEqual(['a=1', 'b=2'])
})

it.each([
  ['a record', cors],
  ['a flat list', Object.entries(cors).flat()],
  ['a list of pairs', Object.entries(cors)],
  ['headers set before', undefined],
])('an origin that the key does not allow is not let in by %s', async (_, given) => {
  const { headers } = await ask((response) => {
    if (given === undefined) response.setHeaders(new Map(Object.entries(cors)))
    Reflect.apply(response.writeHead, response, given === undefined ? [200] : [200, given])
    response.end('{}')
  }, 'Express')
  expect(headers.get('access-control-allow-origin')).toBe(page)
  expect(headers.get('vary')).toBe('Origin')
})

it('a list that is none is left to Node to refuse', async () => {
  let thrown: unknown
  await ask((response) => {
    try {
      response.writeHead(200, ['X-Own'])
    } catch (error) {
      thrown = error
      response.end()
    }
  }, 'Express')
  expect(thrown).toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' })
})

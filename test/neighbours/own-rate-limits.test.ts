import express5, { type RequestHandler } from 'express'
import { Hono } from 'hono'
import Koa3 from 'koa'
import { afterEach, describe, expect, it } from 'vitest'
import * as onExpress from '../../adapters/express.ts'
import * as onFetch from '../../adapters/fetch.ts'
import * as onHono from '../../adapters/hono.ts'
import * as onKoa from '../../adapters/koa.ts'
import { createWriteKeys, type WriteKeys } from '../../src/index.ts'
import { load } from './neighbour.ts'
import { serve } from './served.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

async function setUp() {
  const keys = createWriteKeys({ clock: () => 1_800_000_000_000 })
  closers.push(() => keys.close())
  const { key } = await keys.create({ name: 'Web App', sourceType: 'web', rateLimitEps: 2 })
  return { keys, key }
}

/** Ours ends in a second, the limiter's in a minute or so. */
const fromTheClock = /(?<=reset=|t=)\d{2,}|^\d{10}$|^(?:59|60)$/g

const ofRates = (headers: Headers) =>
  Object.fromEntries(
    [...headers]
      .filter(([name]) => name.includes('ratelimit'))
      .map(([name, value]) => [name, value.replace(fromTheClock, 'later')]),
  )

function toRequest(url: string, key: string, origin?: string): Request {
  const headers = { authorization: `Basic ${btoa(`${key}:`)}`, ...(origin !== undefined && { origin }) }
  return new Request(`${url}/v1/track`, { method: 'POST', headers, body: '{}' })
}

const limiters: Record<string, object> = {
  'draft-6': { standardHeaders: 'draft-6', legacyHeaders: false },
  'draft-7': { standardHeaders: 'draft-7', legacyHeaders: false },
  'draft-8': { standardHeaders: 'draft-8', legacyHeaders: false },
  legacy: { standardHeaders: false, legacyHeaders: true },
}

describe.each(Object.entries(limiters))('express-rate-limit, %s', (_, options) => {
  const make = () => load('express-rate-limit').rateLimit({ limit: 900, ...options }) as RequestHandler

  async function start(keys: WriteKeys | undefined, place: 'in front' | 'behind') {
    const app = express5()
    if (place === 'in front') app.use(make())
    if (keys !== undefined) app.use(onExpress.writeKeyAuth(keys))
    if (place === 'behind') app.use(make())
    app.use((_req, res) => {
      res.json({})
    })
    const { url, close } = await serve(app)
    closers.push(close)
    return url
  }

  it.each([
    ['in front', undefined],
    ['in front', 'https://app.example.com'],
    ['behind', undefined],
    ['behind', 'https://app.example.com'],
  ] as const)('says of an accepted request %s what it says alone (origin %s)', async (place, origin) => {
    const { keys, key } = await setUp()
    const alone = ofRates((await fetch(toRequest(await start(undefined, place), key, origin))).headers)
    const url = await start(keys, place)
    const answer = await fetch(toRequest(url, key, origin))
    expect(answer.status).toBe(200)
    const said = ofRates(answer.headers)
    for (const [name, value] of Object.entries(alone)) {
      // Draft 8 adds to the list: its entry and ours both count.
      const appended = `"events";${name === 'ratelimit' ? 'r=1;t=1' : 'q=2;w=1'}, ${value}`
      expect([value, appended]).toContain(said[name])
    }
    if (place === 'in front')
      expect(Object.values(alone)).toEqual(expect.arrayContaining([expect.anything()]))
    expect(Object.keys(alone).length).toBeGreaterThan(0)
    // What is there before us is one rate: no half of ours stands beside it.
    const ofFamily = (name: string) => name.startsWith('x-') === Object.hasOwn(alone, 'x-ratelimit-limit')
    if (place === 'in front') expect(Object.keys(said).filter(ofFamily)).toEqual(Object.keys(alone))
  })

  it('does not hide our own limit in a refusal for it', async () => {
    const { keys, key } = await setUp()
    const url = await start(keys, 'in front')
    let answer = await fetch(toRequest(url, key))
    for (let count = 0; count < 3 && answer.ok; count++) answer = await fetch(toRequest(url, key))
    expect(answer.status).toBe(429)
    expect(answer.headers.get('ratelimit')).toBe('"events";r=0;t=1')
    expect(answer.headers.get('retry-after')).toBe('1')
  })
})

describe('what a handler says of a rate of its own', () => {
  const own = { RateLimit: '"own";r=7;t=9', 'RateLimit-Policy': '"own";q=8;w=10' }

  it.each(['Koa in front', 'Koa behind', 'Hono in front', 'Hono behind', 'fetch behind'])(
    'stays: %s',
    async (where) => {
      const { keys, key } = await setUp()
      const isBehind = where.endsWith('behind')
      let answer: Response
      if (where.startsWith('Koa')) {
        const app = new Koa3()
        app.use(async (ctx, next) => {
          if (!isBehind) ctx.set(own)
          await next()
        })
        app.use(onKoa.writeKeyAuth(keys))
        app.use((ctx) => {
          if (isBehind) ctx.set(own)
          ctx.body = {}
        })
        const { url, close } = await serve(app.callback())
        closers.push(close)
        answer = await fetch(toRequest(url, key))
      } else if (where.startsWith('Hono')) {
        const app = new Hono()
        app.use(async (c, next) => {
          if (!isBehind) for (const [name, value] of Object.entries(own)) c.header(name, value)
          await next()
        })
        app.use(onHono.writeKeyAuth(keys))
        app.all('*', (c) => c.json({}, 200, isBehind ? own : {}))
        answer = await app.request(toRequest('http://localhost', key))
      } else {
        const auth = onFetch.writeKeyAuth(keys)
        answer = await auth(toRequest('http://localhost', key), () => Response.json({}, { headers: own }))
      }
      expect(answer.status).toBe(200)
      expect(ofRates(answer.headers)).toEqual({
        ratelimit: own.RateLimit,
        'ratelimit-policy': own['RateLimit-Policy'],
        'x-ratelimit-limit': '2',
        'x-ratelimit-remaining': '1',
        'x-ratelimit-reset': '1',
      })
    },
  )
})

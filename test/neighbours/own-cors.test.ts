import express5, { type RequestHandler } from 'express'
import Koa3 from 'koa'
import { afterEach, describe, expect, it } from 'vitest'
import * as onExpress from '../../adapters/express.ts'
import * as onKoa from '../../adapters/koa.ts'
import { createWriteKeys, type WriteKeys } from '../../src/index.ts'
import { load } from './neighbour.ts'
import { serve } from './served.ts'

const app = 'https://app.example.com'
const shop = 'https://shop.example.com'
const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

/** What an app allows: as the option of `cors`. */
interface OwnCors {
  origin: string | boolean
  credentials?: boolean
  exposedHeaders?: string
  preflightContinue?: boolean
}

const ways: [string, (keys: WriteKeys, own: OwnCors, place: string) => Promise<string>][] = [
  [
    'cors on Express',
    async (keys, own, place) => {
      const server = express5()
      const cors = load('cors')(own) as RequestHandler
      if (place === 'in front') server.use(cors)
      server.use('/v1', onExpress.writeKeyAuth(keys))
      if (place === 'behind') server.use(cors)
      server.use((_req, res) => {
        res.json({})
      })
      return listen(server)
    },
  ],
  [
    '@koa/cors',
    async (keys, { origin, exposedHeaders, credentials = false }, place) => {
      const server = new Koa3()
      server.silent = true
      const cors = load('@koa/cors')({
        ...(typeof origin === 'string' && { origin }),
        exposeHeaders: exposedHeaders,
        credentials,
      })
      if (place === 'in front') server.use(cors)
      server.use(onKoa.writeKeyAuth(keys))
      if (place === 'behind') server.use(cors)
      server.use((ctx) => {
        ctx.body = {}
      })
      return listen(server.callback())
    },
  ],
]

async function listen(listener: Parameters<typeof serve>[0]): Promise<string> {
  const { url, close } = await serve(listener)
  closers.push(close)
  return `${url}/v1/track`
}

describe.each(ways)('%s', (_, start) => {
  describe.each(['in front', 'behind'])('%s', (place) => {
    async function ask(own: OwnCors, allowedOrigins: string[] | null, origin: string, secret?: string) {
      const keys = createWriteKeys()
      closers.push(() => void keys.close())
      const { key } = await keys.create({ name: 'Web App', sourceType: 'web', allowedOrigins })
      const url = await start(keys, own, place)
      const { status, headers } = await fetch(url, {
        method: 'POST',
        headers: { authorization: `Basic ${btoa(`${secret ?? key}:`)}`, origin },
        body: '{}',
      })
      const field = (name: string) => headers.get(name)
      return {
        status,
        origin: field('access-control-allow-origin'),
        credentials: field('access-control-allow-credentials'),
        exposed: field('access-control-expose-headers')?.split(', '),
        vary: field('vary')?.toLowerCase().split(', '),
      }
    }

    it('keeps its origin and credentials where every origin may send', async () => {
      const answer = await ask({ origin: app, credentials: true }, null, app)
      expect(answer).toMatchObject({ status: 200, origin: app, credentials: 'true' })
      expect(answer.vary).toContain('origin')
    })

    it('keeps its origin and credentials where the key allows that origin', async () => {
      const answer = await ask({ origin: app, credentials: true }, [app, shop], app)
      expect(answer).toMatchObject({ status: 200, origin: app, credentials: 'true' })
    })

    it('gives way to the origin that the key allows, and grants it no credentials', async () => {
      const answer = await ask({ origin: app, credentials: true }, [shop], shop)
      expect(answer).toMatchObject({ status: 200, origin: shop, credentials: null })
    })

    it('is made exact for a key with origins where it allows all', async () => {
      expect(await ask({ origin: '*' }, [shop], shop)).toMatchObject({ status: 200, origin: shop })
      expect(await ask({ origin: '*' }, null, shop)).toMatchObject({ status: 200, origin: '*' })
    })

    it('allows nothing on origin_not_allowed', async () => {
      const answer = await ask({ origin: app, credentials: true }, [shop], app)
      expect(answer).toMatchObject({ status: 403, origin: null, credentials: null })
    })

    it('has its exposed headers beside ours, each once', async () => {
      const own = { origin: app, exposedHeaders: 'X-Request-Id, retry-after' }
      const { exposed = [], status } = await ask(own, null, app)
      expect(status).toBe(200)
      const names = exposed.map((name) => name.toLowerCase())
      expect(names).toContain('x-request-id')
      expect(names).toContain('x-ratelimit-reset')
      expect(names.filter((name) => name === 'retry-after')).toHaveLength(1)
    })

    it('lets pages read refusals', async () => {
      const answer = await ask({ origin: app, credentials: true }, null, app, 'sk_live_nonsense')
      const isInFront = place === 'in front'
      expect(answer).toMatchObject({
        status: 401,
        origin: isInFront ? app : '*',
        credentials: isInFront ? 'true' : null,
      })
      expect(answer.exposed?.join().toLowerCase()).toContain('retry-after')
    })
  })
})

describe('a preflight that cors hands on', () => {
  async function preflight(own: OwnCors, origin: string) {
    const keys = createWriteKeys()
    const server = express5()
    server.use(load('cors')({ ...own, preflightContinue: true, methods: 'GET', allowedHeaders: 'X-Own' }))
    server.use('/v1', onExpress.writeKeyAuth(keys))
    const url = await listen(server)
    const { status, headers } = await fetch(url, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization',
      },
    })
    await keys.close()
    return { status, headers: Object.fromEntries(headers) }
  }

  it('allows what a sender needs besides, with credentials for its own origin', async () => {
    const { status, headers } = await preflight({ origin: app, credentials: true }, app)
    expect(status).toBe(204)
    expect(headers).toMatchObject({
      'access-control-allow-origin': app,
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': 'GET, POST',
      'access-control-allow-headers': 'X-Own, authorization, content-type',
    })
  })

  it('allows every origin, and those without credentials', async () => {
    const { headers } = await preflight({ origin: app, credentials: true }, shop)
    expect(headers['access-control-allow-origin']).toBe('*')
    expect(headers).not.toHaveProperty('access-control-allow-credentials')
  })
})

import { once } from 'node:events'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { writeKeyAuth, writeKeyOf } from '../../adapters/express.ts'
import { guardListener } from '../../adapters/node.ts'
import { createWriteKeys } from '../../src/index.ts'

const keys = createWriteKeys()
// It has no types.
const compression = createRequire(import.meta.url)('compression') as (options: object) => express.Handler

/** Routers that are mounted below parameters, with compression around them and a parser inside. */
const router = express.Router({ mergeParams: true })
router.use(writeKeyAuth(keys), express.json())
router.post('/:type', (req, res) => {
  res.json({ params: req.params, body: req.body, events: writeKeyOf(req).events })
})
const app = express()
app.use(compression({ threshold: 0 }))
app.use('/v1/teams/:team/sources/:source', router)

afterAll(() => keys.close())

describe.each([
  ['alone', app],
  ['behind guardListener', guardListener(app, keys, { path: '/v1' })],
])('a router with mergeParams and compression, %s', (_, listener) => {
  const server = createServer(listener)
  beforeAll(async () => {
    await once(server.listen(0, '127.0.0.1'), 'listening')
  })
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })

  async function post(secret: string) {
    const { port } = server.address() as AddressInfo
    return fetch(`http://127.0.0.1:${port}/v1/teams/7/sources/web/track`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${btoa(`${secret}:`)}`,
        'accept-encoding': 'gzip',
        origin: 'https://app.example.com',
      },
      body: '{"event":"x"}',
    })
  }

  it('hands on the parameters of all levels with the accepted events', async () => {
    const { key } = await keys.create({ name: 'Web', sourceType: 'web', rateLimitEps: 10 })
    const answer = await post(key)
    expect([answer.status, answer.headers.get('content-encoding')]).toEqual([200, 'gzip'])
    expect(answer.headers.get('x-ratelimit-limit')).toBe('10')
    expect(answer.headers.get('vary')?.toLowerCase().split(/, */).toSorted()).toEqual([
      'accept-encoding',
      'origin',
    ])
    expect(await answer.json()).toEqual({
      params: { team: '7', source: 'web', type: 'track' },
      body: { event: 'x' },
      events: [{ event: 'x' }],
    })
  })

  it('refuses a wrong key, readable by the page', async () => {
    const answer = await post('sk_live_nonsense')
    expect(answer.status).toBe(401)
    expect(answer.headers.get('access-control-allow-origin')).toBe('*')
    expect(await answer.json()).toMatchObject({ code: 'invalid_write_key' })
  })
})

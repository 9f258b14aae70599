import type { IncomingMessage, RequestListener } from 'node:http'
import { bodyParser } from '@koa/bodyparser'
import express from 'express'
import Koa from 'koa'
import { afterEach, describe, expect, it } from 'vitest'
import { ingestRoutes, writeKeyAuth, writeKeyOf } from '../../adapters/express.ts'
import { writeKeyAuth as koaAuth } from '../../adapters/koa.ts'
import { guardListener } from '../../adapters/node.ts'
import { createWriteKeys, type WriteKeys } from '../../src/index.ts'
import { createIngestApi } from '../../src/ingest/index.ts'
import { createTestKeys } from '../../src/testing/index.ts'
import { serve } from '../neighbours/served.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

async function post(listener: RequestListener, headers: Record<string, string>, body: unknown) {
  const { url, close } = await serve(listener)
  closers.push(close)
  const answer = await fetch(`${url}/v1/batch`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  return answer.json()
}

const echo: express.RequestHandler = (req, res) => void res.json(req.body)

describe('a guard of other keys behind a guard that dropped events', () => {
  async function openBoth() {
    const gate = createWriteKeys({ logger: false, credentials: ['header'], onForbiddenEvent: 'drop' })
    const fields = { name: 'Partner', sourceType: 'server', allowedEventTypes: ['track'] } as const
    const { key } = await gate.create(fields)
    const { keys: tenant, authorization } = await createTestKeys()
    return { gate, tenant, headers: { authorization, 'x-write-key': key } }
  }

  it.each([
    [
      'express.json() that keeps rawBody',
      (gate: WriteKeys, tenant: WriteKeys) => {
        const app = express()
        const keep = (req: IncomingMessage, _: unknown, bytes: Buffer) =>
          void Object.assign(req, { rawBody: bytes })
        app.use(express.json({ verify: keep }), writeKeyAuth(gate), writeKeyAuth(tenant), echo)
        return app as RequestListener
      },
    ],
    [
      '@koa/bodyparser',
      (gate: WriteKeys, tenant: WriteKeys) => {
        const app = new Koa()
        app.use(bodyParser()).use(koaAuth(gate)).use(koaAuth(tenant))
        app.use((ctx) => {
          ctx.body = ctx.request.body
        })
        return app.callback()
      },
    ],
    [
      'guardListener',
      (gate: WriteKeys, tenant: WriteKeys) => {
        const app = express()
        app.use(writeKeyAuth(tenant), echo)
        return guardListener(app, gate, { path: '/v1' })
      },
    ],
  ])('does not bring them back, behind %s', async (_, build) => {
    const { gate, tenant, headers } = await openBoth()
    const batch = [
      { type: 'track', event: 'a' },
      { type: 'identify', userId: 'forbidden' },
    ]
    expect(await post(build(gate, tenant), headers, { batch })).toEqual({
      batch: [{ type: 'track', event: 'a' }],
    })
  })
})

describe('a guard of other keys with a smaller maxBodyBytes', () => {
  it.each(['express', 'guardListener'])(
    'refuses what the one before it has read, behind %s',
    async (kind) => {
      const gate = createWriteKeys({ logger: false, credentials: ['header'] })
      const { key } = await gate.create({ name: 'Partner', sourceType: 'server' })
      const small = await createTestKeys({ maxBodyBytes: 100 })
      const app = express()
      if (kind === 'express') app.use(writeKeyAuth(gate))
      app.use(writeKeyAuth(small.keys), echo)
      const listener =
        kind === 'express' ? (app as RequestListener) : guardListener(app, gate, { path: '/v1' })
      const headers = { authorization: small.authorization, 'x-write-key': key }
      const send = (batch: object[]) => post(listener, headers, { batch })
      expect(await send([{ type: 'track' }])).toEqual({ batch: [{ type: 'track' }] })
      expect(await send(Array.from({ length: 20 }, () => ({ type: 'track' })))).toMatchObject({
        code: 'payload_too_large',
      })
    },
  )
})

describe('what a guard of the same keys further in refuses', () => {
  const track = { type: 'track', event: 'a' }

  async function open(refuses: (app: express.Express, keys: WriteKeys) => unknown) {
    const keys = createWriteKeys({ plans: { small: { monthlyEvents: 2 } }, defaultPlan: 'small' })
    const { key, writeKey } = await keys.create({ name: 'Sender', sourceType: 'server' })
    const app = express()
    refuses(app, keys)
    app.use((_, res) => void res.json('handled'))
    const { url, close } = await serve(guardListener(app, keys, { path: '/v1' }))
    closers.push(close)
    const headers = { authorization: `Basic ${btoa(`${key}:`)}` }
    const send = async (path: string, event: object = track) =>
      (await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(event) })).status
    const count = async () => {
      await keys.flush()
      const { acceptedTotal, refused } = await keys.usage(writeKey.id)
      return { acceptedTotal, refused }
    }
    return { keys, id: writeKey.id, send, count }
  }

  it('by another type or workspace counts as refused, and uses nothing of the quota', async () => {
    const { send, count } = await open((app, keys) => {
      app.use('/v1/pages', writeKeyAuth(keys, { eventType: 'page' }))
      app.use('/v1/acme', writeKeyAuth(keys, { workspace: 'acme' }))
    })
    for (let time = 0; time < 3; time++) expect(await send('/v1/pages')).toBe(400)
    expect(await send('/v1/acme/track')).toBe(401)
    expect(await send('/v1/track')).toBe(200)
    expect(await count()).toEqual({
      acceptedTotal: 1,
      refused: { event_type_mismatch: 3, wrong_workspace: 1 },
    })
    expect(await send('/v1/track')).toBe(200)
    expect(await send('/v1/track')).toBe(429)
  })

  it('because the key was revoked in between counts as refused', async () => {
    const inBetween: { revoke?: () => Promise<unknown> } = {}
    const { keys, id, send, count } = await open((app, keys) => {
      app.use((_req, _res, next) => void (inBetween.revoke?.() ?? Promise.resolve()).then(() => next()))
      app.use('/v1', writeKeyAuth(keys))
    })
    expect(await send('/v1/track')).toBe(200)
    inBetween.revoke = () => keys.revoke(id)
    expect(await send('/v1/track')).toBe(401)
    expect(await count()).toEqual({ acceptedTotal: 1, refused: { revoked_key: 1 } })
  })

  it('because the key was revoked before the endpoints behind a guard counts as refused', async () => {
    const handled: unknown[] = []
    const { id, send, count } = await open((app, keys) => {
      app.use((_req, _res, next) => void keys.revoke(id).then(() => next()))
      app.use(ingestRoutes(createIngestApi(keys, { onEvents: (events) => void handled.push(events) })))
    })
    expect(await send('/v1/track')).toBe(401)
    expect(handled).toEqual([])
    expect(await count()).toEqual({ acceptedTotal: 0, refused: { revoked_key: 1 } })
  })
})

it('what the second mount of one guard refuses is counted once, from the first request on', async () => {
  const keys = createWriteKeys()
  const auth = writeKeyAuth(keys)
  const app = express()
  app.use(auth)
  app.use((req, _res, next) => void keys.pause(String(req.headers['x-id'])).then(() => next()))
  app.use(auth, (_req, res) => void res.json('handled'))
  const { url, close } = await serve(app)
  closers.push(close, () => keys.close())
  const counts: unknown[] = []
  for (const name of ['First', 'Second']) {
    const { key, writeKey } = await keys.create({ name, sourceType: 'server' })
    const headers = { authorization: `Basic ${btoa(`${key}:`)}`, 'x-id': writeKey.id }
    const answer = await fetch(`${url}/v1/track`, { method: 'POST', headers, body: '{"type":"track"}' })
    expect(answer.status).toBe(429)
    const { acceptedTotal, refused } = await keys.usage(writeKey.id)
    counts.push({ acceptedTotal, refused })
  }
  expect(counts).toEqual([
    // Its guard had no reason yet to leave the count open.
    { acceptedTotal: 1, refused: {} },
    { acceptedTotal: 0, refused: { key_paused: 1 } },
  ])
})

describe('a guard of the same keys further in', () => {
  async function build(between: (body: unknown) => unknown, rules: { allowedEventTypes?: string[] } = {}) {
    const keys = createWriteKeys({ logger: false })
    const { key } = await keys.create({ name: 'Sender', sourceType: 'server', ...rules })
    const authorization = `Basic ${btoa(`${key}:`)}`
    let handled: unknown[] = []
    const app = express()
    app.use((req, _, next) => {
      req.body = between(req.body)
      next()
    })
    app.use(writeKeyAuth(keys), (req, res) => {
      handled = writeKeyOf(req).events
      res.json(req.body)
    })
    return {
      listener: guardListener(app, keys, { path: '/v1' }),
      headers: { authorization },
      events: () => handled,
    }
  }
  const events = [{ type: 'track', event: 'a' }]

  it('leaves what the application has added to the events', async () => {
    const added = await build((body) => ({ ...(body as object), receivedAt: 'now' }))
    expect(await post(added.listener, added.headers, { batch: events })).toEqual({
      batch: events,
      receivedAt: 'now',
    })
    const listed = await build((body) => [...(body as object[]), { type: 'track', event: 'mine' }])
    expect(await post(listed.listener, listed.headers, events)).toHaveLength(2)
  })

  const page = { type: 'page', name: 'Home' }

  it.each([
    ['one event', page, { type: 'identify' }, { ...page, name: 'Start' }],
    [
      'a batch',
      { batch: [page] },
      { batch: [{ type: 'identify' }] },
      { batch: [{ ...page, name: 'Start' }] },
    ],
    ['a list', [page], [{ type: 'identify' }], [{ ...page, name: 'Start' }]],
    ['a batch in place of one event', page, { batch: [{ type: 'identify' }] }, { batch: [page, page] }],
    ['one event in place of a list', [page], { type: 'identify' }, { ...page, name: 'Start' }],
  ])(
    'judges what the application has put in the place of the events: %s',
    async (_, sent, forbidden, allowed) => {
      for (const [other, answer] of [
        [forbidden, expect.objectContaining({ code: 'event_type_not_allowed' })],
        [allowed, allowed],
      ] as const) {
        const { listener, headers, events } = await build(() => other, { allowedEventTypes: ['page'] })
        expect(await post(listener, headers, sent)).toEqual(answer)
        const inBody = Array.isArray(allowed) ? allowed : 'batch' in allowed ? allowed.batch : [allowed]
        expect(events()).toEqual(other === allowed ? inBody : [])
      }
    },
  )

  it('judges events that the application has changed where they stand', async () => {
    function change(body: unknown) {
      ;(body as { batch: object[] }).batch.push({ type: 'identify' })
      return body
    }
    const { listener, headers } = await build(change, { allowedEventTypes: ['page'] })
    expect(await post(listener, headers, { batch: [page] })).toMatchObject({ code: 'event_type_not_allowed' })
    const every = await build(change)
    expect(await post(every.listener, every.headers, { batch: [page] })).toEqual({
      batch: [page, { type: 'identify' }],
    })
    expect(every.events()).toHaveLength(2)
  })

  it.each([
    ['nothing', () => undefined],
    ['an empty object', () => ({})],
    ['text', (body: unknown) => JSON.stringify(body)],
    ['what a form parser makes of it', (body: unknown) => ({ [JSON.stringify(body)]: '' })],
  ])('puts the events back over %s', async (_, between) => {
    const { listener, headers } = await build(between)
    expect(await post(listener, headers, { batch: events })).toEqual({ batch: events })
  })
})

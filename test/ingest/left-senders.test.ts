import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { request as httpRequest } from 'node:http'
import { connect, constants, createServer as createHttp2Server } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import express from 'express'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { ingestRoutes, writeKeyAuth } from '../../adapters/express.ts'
import { guardListener } from '../../adapters/node.ts'
import { createWriteKeys, type WriteKeys } from '../../src/index.ts'
import { createIngestApi } from '../../src/ingest/index.ts'
import { serve } from '../neighbours/served.ts'
import { createSignal } from '../signal.ts'
import { type CreateListener, apps as guardApps } from './guard-apps.ts'

afterEach(() => void vi.useRealTimers())

/** An app whose sender leaves while `onEvents`, or whatever calls `hold`, waits. */
async function open(
  create: (keys: WriteKeys, api: Parameters<CreateListener>[1], hold: () => Promise<void>) => unknown,
  handle: () => unknown = () => {},
) {
  const told: string[] = []
  const keys = createWriteKeys({
    logger: false,
    plans: { small: { monthlyEvents: 1 } },
    defaultPlan: 'small',
    onEvent(event) {
      if (event.type === 'accepted') told.push('accepted')
      if (event.type === 'refused') told.push(event.reason)
    },
  })
  const { key, writeKey } = await keys.create({ name: 'Sender', sourceType: 'other' })
  const [begun, gone, go, handled] = [createSignal(), createSignal(), createSignal(), createSignal()]
  const hold = async () => {
    begun.resolve()
    await go.promise
  }
  const api = createIngestApi(keys, {
    async onEvents() {
      await hold()
      handled.resolve()
      await handle()
    },
  })
  const listener = (await create(keys, api, hold)) as RequestListener
  const { url, close } = await serve((request, response) => {
    response.once('close', gone.resolve)
    listener(request, response)
  })
  onTestFinished(async () => {
    close()
    await keys.close()
  })
  const headers = { authorization: `Basic ${btoa(`${key}:`)}`, 'content-type': 'application/json' }
  /** Resolves when the server has seen the sender leave. */
  async function sendAndLeave(path = '/v1/track') {
    const request = httpRequest(url + path, { method: 'POST', headers }).on('error', () => {})
    request.end('{"event":"a","userId":"42"}')
    await begun.promise
    request.destroy()
    await gone.promise
    for (let turn = 0; turn < 5; turn++) await nextTurn()
  }
  async function letGo() {
    go.resolve()
    await handled.promise
    for (let turn = 0; turn < 20; turn++) await nextTurn()
  }
  const usage = async () => {
    const { acceptedTotal, refused, quota } = await keys.usage(writeKey.id)
    return { accepted: acceptedTotal, refused, used: quota?.used }
  }
  return { keys, id: writeKey.id, told, begun, go, handled, sendAndLeave, letGo, usage }
}

const alone: CreateListener = (_, api) => express().use(ingestRoutes(api))

describe.each(Object.entries({ 'no guard': alone, ...guardApps }))(
  'behind %s, when the sender leaves',
  (_, create) => {
    it('events that onEvents then fails to handle are refused, and use nothing of the quota', async () => {
      const { told, sendAndLeave, letGo, usage } = await open(create, () => {
        throw new Error('the queue is away')
      })
      await sendAndLeave()
      expect(told).toEqual([])
      await letGo()
      expect(told).toEqual(['handler_failed'])
      expect(await usage()).toEqual({ accepted: 0, refused: { handler_failed: 1 }, used: 0 })
    })

    it('events that onEvents then handles are accepted', async () => {
      const { told, sendAndLeave, letGo, usage } = await open(create)
      await sendAndLeave()
      expect(told).toEqual([])
      await letGo()
      expect(told).toEqual(['accepted'])
      expect(await usage()).toEqual({ accepted: 1, refused: {}, used: 1 })
    })
  },
)

/** Something that waits between a guard and what is behind it. */
const waiting =
  (hold: () => Promise<void>): express.RequestHandler =>
  (_req, _res, next) =>
    void hold().then(() => next())

describe('when the sender leaves between a guard and what is behind it', () => {
  it('what an inner guard then refuses is refused', async () => {
    const { keys, id, told, go, sendAndLeave, usage } = await open((keys, _, hold) =>
      express().use(writeKeyAuth(keys), waiting(hold), writeKeyAuth(keys), (_req, res) => void res.end()),
    )
    await sendAndLeave()
    await keys.revoke(id)
    go.resolve()
    await vi.waitFor(() => expect(told).toEqual(['revoked_key']))
    expect(await usage()).toMatchObject({ accepted: 0, refused: { revoked_key: 1 } })
  })

  it('what an endpoint then fails to handle is refused', async () => {
    const { told, sendAndLeave, letGo, usage } = await open(
      (keys, api, hold) => express().use(writeKeyAuth(keys), waiting(hold), ingestRoutes(api)),
      () => {
        throw new Error('the queue is away')
      },
    )
    await sendAndLeave()
    await letGo()
    await vi.waitFor(() => expect(told).toEqual(['handler_failed']))
    expect(await usage()).toEqual({ accepted: 0, refused: { handler_failed: 1 }, used: 0 })
  })

  it('what a handler then answers is accepted at once', async () => {
    const { told, go, sendAndLeave, usage } = await open((keys, _, hold) =>
      express().use(writeKeyAuth(keys), writeKeyAuth(keys), waiting(hold), (_req, res) => void res.json({})),
    )
    await sendAndLeave()
    expect(told).toEqual([])
    go.resolve()
    await vi.waitFor(() => expect(told).toEqual(['accepted']))
    expect(await usage()).toMatchObject({ accepted: 1, refused: {} })
  })

  it('what nobody answers is accepted after ten seconds', async () => {
    const { told, begun, sendAndLeave } = await open((keys) =>
      guardListener(() => begun.resolve(), keys, { path: '/v1' }),
    )
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    await sendAndLeave()
    await vi.advanceTimersByTimeAsync(9_999)
    expect(told).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    expect(told).toEqual(['accepted'])
  })

  it('what an endpoint works on is left to it for longer than that', async () => {
    const { told, sendAndLeave, letGo } = await open(
      (keys, api) => express().use(writeKeyAuth(keys), ingestRoutes(api)),
      () => {
        throw new Error('the queue is away')
      },
    )
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    await sendAndLeave()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(told).toEqual([])
    await letGo()
    expect(told).toEqual(['handler_failed'])
  })
})

it('what something else answers while onEvents works counts as onEvents ends', async () => {
  const answered = createSignal()
  const { told, begun, sendAndLeave, letGo } = await open(
    (keys, api) =>
      express()
        .use(writeKeyAuth(keys))
        .use((_req, res, next) => {
          void begun.promise.then(() => res.status(503).end(answered.resolve))
          next()
        })
        .use(ingestRoutes(api)),
    () => {
      throw new Error('the queue is away')
    },
  )
  const left = sendAndLeave()
  await answered.promise
  await left
  expect(told).toEqual([])
  await letGo()
  expect(told).toEqual(['handler_failed'])
})

it('what nobody answers is accepted beyond 16 MB as soon as its sender leaves, again and again', async () => {
  const told: string[] = []
  const keys = createWriteKeys({
    logger: false,
    onEvent: ({ type }) => void (type === 'accepted' && told.push(type)),
  })
  createIngestApi(keys, { onEvents() {} })
  const { key } = await keys.create({ name: 'Sender', sourceType: 'other' })
  let arrived = createSignal()
  let gone = createSignal()
  const guard = guardListener(() => arrived.resolve(), keys, { path: '/v1' })
  const { url, close } = await serve((request, response) => {
    response.once('close', () => gone.resolve())
    guard(request, response)
  })
  onTestFinished(async () => {
    close()
    await keys.close()
  })
  const headers = { authorization: `Basic ${btoa(`${key}:`)}` }
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  for (let round = 0; round < 2; round++) {
    for (let sent = 0; sent < 7; sent++) {
      arrived = createSignal()
      gone = createSignal()
      const request = httpRequest(`${url}/v1/track`, { method: 'POST', headers }).on('error', () => {})
      request.end(JSON.stringify({ event: 'a', text: 'x'.repeat(3_000_000) }))
      await arrived.promise
      request.destroy()
      await gone.promise
    }
    expect(told.splice(0)).toEqual(['accepted', 'accepted'])
    await vi.advanceTimersByTimeAsync(10_000)
    expect(told.splice(0)).toHaveLength(5)
  }
})

describe('over HTTP/2, when the sender leaves', () => {
  async function openHttp2(isGoneBefore: boolean) {
    const told: string[] = []
    const [begun, gone, go] = [createSignal(), createSignal(), createSignal()]
    const keys = createWriteKeys({
      logger: false,
      limiter: {
        async consume() {
          if (isGoneBefore) {
            begun.resolve()
            await gone.promise
          }
          return { allowed: true, remaining: 1, retryAfterMs: 0, resetMs: 0 }
        },
        close() {},
      },
      onEvent(event) {
        if (event.type === 'accepted') told.push('accepted')
        if (event.type === 'refused') told.push(event.reason)
      },
    })
    const { key, writeKey } = await keys.create({ name: 'Sender', sourceType: 'other', rateLimitEps: 10 })
    const inner = guardListener((_, response) => void response.end(), keys, { path: '/' })
    const outer = guardListener(
      (request, response) => {
        begun.resolve()
        void go.promise.then(() => inner(request as never, response as never))
      },
      keys,
      { path: '/' },
    )
    const server = createHttp2Server((request, response) => {
      response.once('close', gone.resolve)
      outer(request as never, response as never)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    onTestFinished(async () => {
      session.destroy()
      server.close()
      await keys.close()
    })
    const stream = session.request({
      ':method': 'POST',
      ':path': '/v1/track',
      authorization: `Basic ${btoa(`${key}:`)}`,
    })
    stream.on('error', () => {})
    stream.end('{"event":"a"}')
    await begun.promise
    stream.close(constants.NGHTTP2_CANCEL)
    await gone.promise
    for (let turn = 0; turn < 20; turn++) await nextTurn()
    return { keys, id: writeKey.id, told, go }
  }

  it('what an inner guard then refuses is refused', async () => {
    const { keys, id, told, go } = await openHttp2(false)
    expect(told).toEqual([])
    await keys.revoke(id)
    go.resolve()
    await vi.waitFor(() => expect(told).toEqual(['revoked_key']))
  })

  it.each([false, true])(
    'what a handler then answers is accepted, before the verdict: %s',
    async (isBefore) => {
      const { told, go } = await openHttp2(isBefore)
      go.resolve()
      await vi.waitFor(() => expect(told).toEqual(['accepted']))
    },
  )
})

it('close() does not wait longer than three seconds for what nobody ends, and counts it', async () => {
  const { keys, told, begun, sendAndLeave, usage } = await open((keys) =>
    guardListener(() => begun.resolve(), keys, { path: '/v1' }),
  )
  await sendAndLeave()
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const closing = keys.close()
  await vi.advanceTimersByTimeAsync(3_000)
  await closing
  expect(told).toEqual(['accepted'])
  expect(await usage()).toMatchObject({ accepted: 1 })
})

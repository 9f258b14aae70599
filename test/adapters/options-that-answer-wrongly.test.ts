import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Hono } from 'hono'
import Koa from 'koa'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import * as onExpress from '../../adapters/express.ts'
import * as onFetch from '../../adapters/fetch.ts'
import * as onHono from '../../adapters/hono.ts'
import * as onKoa from '../../adapters/koa.ts'
import { createAdminApi } from '../../src/admin/index.ts'
import { createWriteKeys, type WriteKeysOptions } from '../../src/index.ts'
import { createIngestApi, forwardEvents } from '../../src/ingest/index.ts'

const rejections: unknown[] = []
const note = (error: unknown) => void rejections.push(error)
beforeEach(() => void process.on('unhandledRejection', note))
afterEach(async () => {
  await new Promise((resolve) => setImmediate(resolve))
  process.off('unhandledRejection', note)
  expect(rejections.splice(0)).toEqual([])
})

/** Keys that write down what they log: the causes only. */
async function loggingKeys(options: WriteKeysOptions = {}) {
  const logged: string[] = []
  const write = (details: object) => void logged.push((details as { err?: Error }).err?.message ?? '')
  const keys = createWriteKeys({ ...options, logger: { error: write, warn: write } })
  onTestFinished(() => keys.close())
  const { key } = await keys.create({
    name: 'Web',
    sourceType: 'web',
    workspace: '42',
    allowedIps: ['192.0.2.1'],
  })
  return { keys, key, logged }
}

const post = (key: string, fields: Record<string, string> = {}) =>
  new Request('http://localhost/v1/track', {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${key}:`)}`, ...fields },
    body: '{"event":"Sent"}',
  })

async function statusBehind(
  listener: RequestListener,
  key: string,
  fields?: Record<string, string>,
): Promise<number> {
  const server = createServer(listener).listen(0)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const { headers, body } = post(key, fields)
  const answer = await fetch(`http://localhost:${port}/v1/track`, {
    method: 'POST',
    headers,
    body,
    duplex: 'half',
  } as RequestInit)
  server.close()
  return answer.status
}

const wrong = [
  ['async', async () => '42', /must not be async: it must return .*, and it returned a promise\.$/],
  ['a rejected promise', () => Promise.reject(new Error('away')), /must not be async/],
  ['a number', () => 42, /must return .*; it returned 42\.$/],
  ['an object', () => ({ id: '42' }), /must return .*; it returned an object\.$/],
] as const

describe.each(wrong)('a function among the options that is wrong: %s', (_, returning, message) => {
  const answer = returning as () => never

  it('as workspace refuses good keys with 503 and is logged once, in every adapter', async () => {
    const { keys, key, logged } = await loggingKeys()
    await keys.update((await keys.find(key))?.id ?? '', { allowedIps: null })
    const options = { workspace: answer }
    const express = onExpress.writeKeyAuth(keys, options)
    const koa = new Koa().use(onKoa.writeKeyAuth(keys, options))
    const hono = new Hono().use(onHono.writeKeyAuth(keys, options))
    const statuses = [
      await statusBehind((request, response) => express(request, response, () => response.end()), key),
      await statusBehind(koa.callback(), key),
      (await hono.fetch(post(key))).status,
      (await onFetch.writeKeyAuth(keys, options)(post(key), () => new Response())).status,
    ]
    expect(statuses).toEqual([503, 503, 503, 503])
    expect(logged).toEqual([expect.stringMatching(message)])
    expect(logged[0]).toMatch(/^workspace must/)
  })

  it('as trustedProxies refuses with 503', async () => {
    const { keys, key, logged } = await loggingKeys({ trustedProxies: answer })
    const guard = onExpress.writeKeyAuth(keys)
    const status = await statusBehind(
      (request, response) => guard(request, response, () => response.end()),
      key,
      { 'x-forwarded-for': '192.0.2.1' },
    )
    expect(status).toBe(503)
    expect(logged).toEqual([
      expect.stringMatching(/^trustedProxies must (not be async|return true or false; )/),
    ])
  })

  it('as ip refuses with 503, also behind another guard', async () => {
    const { keys, key, logged } = await loggingKeys()
    const [ip, good] = [{ ip: answer }, { ip: () => '192.0.2.1' }]
    const api = createIngestApi(keys, { onEvents() {} })
    const inner = onFetch.writeKeyAuth(keys, ip)
    const outer = onFetch.writeKeyAuth(keys, good)
    const statuses = [
      (await inner(post(key), () => new Response())).status,
      (await outer(post(key), (_key, request) => inner(request, () => new Response()))).status,
      (await new Hono().use(onHono.writeKeyAuth(keys, ip)).fetch(post(key))).status,
      (await new Hono().use(onHono.ingestRoutes(api, ip)).fetch(post(key))).status,
      (await onFetch.ingestRoutes(api, ip)(post(key)))?.status,
    ]
    expect(statuses).toEqual([503, 503, 503, 503, 503])
    expect(logged).toEqual([expect.stringMatching(/^ip must/)])
  })

  it('as ip of a management API or of forwardEvents refuses, and is told', async () => {
    const { keys, logged } = await loggingKeys()
    const admin = createAdminApi(keys, { tokens: [{ name: 'ops', token: 't'.repeat(32), role: 'admin' }] })
    const call = () => new Request('http://localhost/api/v1/events/write-keys')
    expect((await onFetch.adminRoutes(admin, { ip: answer })(call()))?.status).toBe(500)
    expect((await new Hono().use(onHono.adminRoutes(admin, { ip: answer })).fetch(call())).status).toBe(500)
    expect(logged[0]).toMatch(/^ip must/)
    const told: unknown[] = []
    const forward = forwardEvents({
      to: 'http://localhost:1',
      key: 'k',
      ip: answer,
      onError: (error) => told.push(error),
    })
    expect((await forward(new Request('http://localhost/events/v1/track', { method: 'POST' }))).status).toBe(
      503,
    )
    expect(told).toEqual([expect.objectContaining({ message: expect.stringMatching(/^ip must/) })])
  })
})

it.each([
  ['an error', new Error('no socket')],
  ['undefined', undefined],
  ['an object without a text', Object.create(null)],
])('an ip that throws %s refuses and is logged, wherever it is an option', async (_, thrown) => {
  const { keys, key, logged } = await loggingKeys()
  const options = {
    ip: () => {
      throw thrown
    },
  }
  const tokens = [{ name: 'ops', token: 't'.repeat(32), role: 'admin' }] as const
  const admin = createAdminApi(keys, { tokens })
  const api = createIngestApi(keys, { onEvents() {} })
  const call = () => new Request('http://localhost/api/v1/events/write-keys')
  expect((await onFetch.adminRoutes(admin, options)(call()))?.status).toBe(500)
  expect((await new Hono().use(onHono.adminRoutes(admin, options)).fetch(call())).status).toBe(500)
  expect(logged).toHaveLength(1)
  const statuses = [
    (await onFetch.writeKeyAuth(keys, options)(post(key), () => new Response())).status,
    (await onFetch.ingestRoutes(api, options)(post(key)))?.status,
    (await new Hono().use(onHono.writeKeyAuth(keys, options)).fetch(post(key))).status,
    (await new Hono().use(onHono.ingestRoutes(api, options)).fetch(post(key))).status,
  ]
  expect(statuses).toEqual([503, 503, 503, 503])
  expect(logged).toHaveLength(2)
  const told: unknown[] = []
  const onError = (error: unknown) => told.push(error)
  const forward = forwardEvents({ to: 'http://localhost:1', key: 'k', ...options, onError })
  const event = new Request('http://localhost/events/v1/track', { method: 'POST' })
  expect((await forward(event)).status).toBe(503)
  expect(told).toEqual([thrown])
})

it('no workspace and no address are no faults: the one admits no key, the other is unknown', async () => {
  const { keys, key, logged } = await loggingKeys()
  await keys.update((await keys.find(key))?.id ?? '', { allowedIps: null })
  for (const none of [undefined, null, '']) {
    const answer = () => none as never
    expect(
      (await onFetch.writeKeyAuth(keys, { workspace: answer })(post(key), () => new Response())).status,
    ).toBe(401)
    expect((await onFetch.writeKeyAuth(keys, { ip: answer })(post(key), () => new Response())).status).toBe(
      200,
    )
  }
  expect(logged).toEqual([])
})

import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import express from 'express'
import express4 from 'express4'
import fastify from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import * as forExpress from '../../adapters/express.ts'
import * as forFastify from '../../adapters/fastify.ts'
import * as forFetch from '../../adapters/fetch.ts'
import * as forHono from '../../adapters/hono.ts'
import * as forKoa from '../../adapters/koa.ts'
import * as forNode from '../../adapters/node.ts'
import { createAdminApi } from '../../src/admin/index.ts'
import { createWriteKeys } from '../../src/index.ts'
import { createIngestApi } from '../../src/ingest/index.ts'

const keys = createWriteKeys({ logger: false })
const admin = createAdminApi(keys, { tokens: [{ name: 'ops', token: 'x'.repeat(40), role: 'admin' }] })
const ingest = createIngestApi(keys, { onEvents: () => undefined })
const adapters = { express: forExpress, node: forNode, koa: forKoa, hono: forHono }

/** Apps with a middleware that is not theirs, the message of each error, and whether the handler has run. */
const frameworks: Record<string, (middleware: never, told: unknown[]) => RequestListener> = {
  express(middleware, told) {
    const app = express().use(middleware)
    app.use((error: Error, _: unknown, response: { sendStatus(status: number): void }, __: unknown) => {
      told.push(error.message)
      response.sendStatus(500)
    })
    return app.use((_, response) => void response.send('HANDLED'))
  },
  express4(middleware, told) {
    const app = express4().use(middleware)
    app.use((_: unknown, response: { send(text: string): void }) => response.send('HANDLED'))
    app.use(((error: Error, _: unknown, response: { sendStatus(status: number): void }, __: unknown) => {
      told.push(error.message)
      response.sendStatus(500)
    }) as never)
    return app as unknown as RequestListener
  },
  koa(middleware, told) {
    const app = new Koa().use(middleware)
    app.on('error', ({ message }: Error) => told.push(message))
    app.use((ctx) => {
      ctx.body = 'HANDLED'
    })
    return app.callback()
  },
  hono(middleware, told) {
    const app = new Hono().use(middleware)
    app.onError((error, c) => {
      told.push(error.message)
      return c.text('', 500)
    })
    return getRequestListener(app.all('*', (c) => c.text('HANDLED')).fetch) as RequestListener
  },
}

async function post(listener: RequestListener, method = 'POST'): Promise<{ status: number; text: string }> {
  const server: Server = createServer(listener).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const body = method === 'POST' ? '{}' : null
  const response = await fetch(`http://127.0.0.1:${port}/v1/track`, { method, body })
  return { status: response.status, text: await response.text() }
}

const uses: Record<string, string> = {
  express: 'writekey/express',
  express4: 'writekey/express',
  koa: 'writekey/koa',
  hono: 'writekey/hono',
}
const fits = (adapter: string, framework: string) =>
  framework.startsWith(adapter) || (adapter === 'node' && framework.startsWith('express'))
const mixed = Object.keys(adapters).flatMap((adapter) =>
  Object.keys(frameworks)
    .filter((framework) => !fits(adapter, framework))
    .map((framework) => ({ adapter: adapter as keyof typeof adapters, framework })),
)

describe.each(mixed)('writekey/$adapter in $framework', ({ adapter, framework }) => {
  const { writeKeyAuth, adminRoutes, ingestRoutes } = adapters[adapter]
  const middlewares = {
    writeKeyAuth: () => writeKeyAuth(keys),
    adminRoutes: () => adminRoutes(admin),
    ingestRoutes: () => ingestRoutes(ingest),
  }

  it.each(Object.entries(middlewares))(
    '%s says which entry to use, and no handler runs',
    async (_, middleware) => {
      const told: string[] = []
      const listener = frameworks[framework]?.(middleware() as never, told) as RequestListener
      const { status, text } = await post(listener)
      expect([status, text]).not.toContain('HANDLED')
      expect(status).toBe(500)
      expect(told[0]).toMatch(/^This is not a request of \w+/)
      expect(told[0]).toContain(`use ${uses[framework]}`)
    },
  )
})

it('a guard without next on a plain server answers 500, and the process lives', async () => {
  const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
  onTestFinished(() => warn.mockRestore())
  for (const guard of [forNode.writeKeyAuth(keys), forExpress.writeKeyAuth(keys)]) {
    expect(await post(guard as never)).toEqual({ status: 500, text: '' })
  }
  expect(String(warn.mock.calls[0]?.[0])).toContain('a third argument next')
})

it('a guard of Express in a hook of Fastify refuses, and names its plugin', async () => {
  const app = fastify()
  app.addHook('onRequest', forExpress.writeKeyAuth(keys) as never)
  app.post('/v1/track', () => 'HANDLED')
  const answer = await app.inject({ method: 'POST', url: '/v1/track', payload: {} })
  expect(answer.statusCode).toBe(500)
  expect(answer.json().message).toContain('use writekey/fastify')
})

describe.each(Object.entries({ ...adapters, fastify: forFastify, fetch: forFetch }))(
  'writekey/%s',
  (_, { adminRoutes, ingestRoutes }) => {
    it('takes no write keys as an API', () => {
      expect(() => adminRoutes(keys as never)).toThrow(
        'adminRoutes takes createAdminApi(keys, …); received write keys.',
      )
      expect(() => adminRoutes(ingest as never)).toThrow('received an ingest API.')
      expect(() => ingestRoutes(keys as never)).toThrow(
        'ingestRoutes takes createIngestApi(keys, …); received write keys.',
      )
      expect(() => ingestRoutes(admin as never)).toThrow('received a management API.')
      expect(() => ingestRoutes(undefined as never)).toThrow('received nothing.')
    })
  },
)

import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import express from 'express'
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { ingestRoutes } from '../../adapters/express.ts'
import { createWriteKeys, type IngestEvent, type WriteKeys } from '../../src/index.ts'
import { createIngestApi } from '../../src/ingest/index.ts'
import { blockWith, runModule } from '../docs/running-blocks.ts'
import { serve } from '../neighbours/served.ts'

let keys: WriteKeys
let target: Awaited<ReturnType<typeof serve>>
let key: string
let arrived: [unknown, string | undefined][] = []

beforeAll(async () => {
  keys = createWriteKeys({ trustedProxies: 1 })
  key = (await keys.create({ name: 'Forwarder', sourceType: 'server' })).key
  const api = createIngestApi<IngestEvent>(keys, {
    onEvents(events, { ip }) {
      for (const { event } of events) arrived.push([event, ip])
    },
  })
  target = await serve(express().use(ingestRoutes(api)))
  vi.stubEnv('EVENTS_URL', target.url).stubEnv('WRITE_KEY', key)
})
afterAll(async () => {
  vi.unstubAllEnvs()
  target.close()
  await keys.close()
})
beforeEach(() => {
  arrived = []
})

function read(file: string): string {
  const code = readFileSync(new URL(`../../examples/${file}`, import.meta.url), 'utf8')
  expect(code.split('\n').length).toBeLessThanOrEqual(18)
  return code
}

function post(origin: string, address: Record<string, string>): Request {
  return new Request('https://app.example.com/events/v1/track', {
    method: 'POST',
    headers: { origin, cookie: 'session=1', ...address },
    body: '{"event":"Signed Up"}',
  })
}

it('examples/worker forwards the events of its pages, and of no other', async () => {
  const worker = (await runModule(read('worker/worker.ts'))).default as {
    fetch(request: Request, env: object): Promise<Response>
  }
  const env = { EVENTS_URL: target.url, WRITE_KEY: key }
  const address = { 'cf-connecting-ip': '203.0.113.7', 'x-forwarded-for': '10.0.0.1' }
  const answered = await worker.fetch(post('https://app.example.com', address), env)
  expect([answered.status, await answered.json()]).toEqual([200, { success: true, accepted: 1 }])
  expect((await worker.fetch(post('https://evil.example', address), env)).status).toBe(403)
  expect(arrived).toEqual([['Signed Up', '203.0.113.7']])
})

it('examples/next forwards the events of its pages, and of no other', async () => {
  const route = (await runModule(read('next/app/events/[...path]/route.ts'))) as {
    POST(request: Request): Promise<Response>
  }
  const address = { 'x-real-ip': '203.0.113.8' }
  expect((await route.POST(post('https://app.example.com', address))).status).toBe(200)
  expect((await route.POST(post('https://evil.example', address))).status).toBe(403)
  expect(arrived).toEqual([['Signed Up', '203.0.113.8']])
})

it('docs/recipes/forwarding.md forwards from Express', async () => {
  const servers: Server[] = []
  const { listen } = createServer().constructor.prototype as Server
  const { code } = blockWith('docs/recipes/forwarding.md', 'ts', 'answerByFetch')
  const spy = vi.spyOn(createServer().constructor.prototype as Server, 'listen').mockImplementation(function (
    this: Server,
  ) {
    servers.push(this)
    return listen.call(this, 0)
  })
  await runModule(code)
  spy.mockRestore()
  const [server] = servers as [Server]
  const { port } = server.address() as { port: number }
  const send = (body: string | ReadableStream) =>
    fetch(`http://127.0.0.1:${port}/events/v1/track`, { method: 'POST', body, duplex: 'half' } as RequestInit)
  expect((await send('{"event":"Signed Up"}')).status).toBe(200)
  expect((await send(`{"event":"${'x'.repeat(5_000_000)}"}`)).status).toBe(413)
  const chunks = new ReadableStream({
    pull: (controller) => controller.enqueue(new Uint8Array(500_000)),
  })
  const endless = await send(chunks).then(
    ({ status }) => status,
    () => 'closed',
  )
  expect([413, 'closed']).toContain(endless)
  server.closeAllConnections()
  server.close()
  expect(arrived).toEqual([['Signed Up', '127.0.0.1']])
})

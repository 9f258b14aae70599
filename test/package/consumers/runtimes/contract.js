// The suite for adapters, on the server that this runtime has. What fails is printed as JSON.
import { deepEqual, ok } from 'node:assert/strict'
import { createServer } from 'node:http'
import { Hono } from 'hono'
import { createWriteKeys } from 'writekey'
import { writeKeyAuth, writeKeyOf } from 'writekey/fetch'
import * as forHono from 'writekey/hono'
import * as forNode from 'writekey/node'
import { adapterContract } from 'writekey/testing'

const contains = (actual, expected) =>
  typeof expected === 'object' && expected !== null
    ? Object.entries(expected).every(([name, value]) => contains(actual?.[name], value))
    : Object.is(actual, expected)

const expect = (actual) => ({
  toBe: (expected) => deepEqual(actual, expected),
  toEqual: (expected) => deepEqual(actual, expected),
  toMatchObject: (expected) => ok(contains(actual, expected), JSON.stringify({ actual, expected })),
  toContain: (expected) => ok(actual.includes(expected), `${actual} lacks ${expected}`),
})

/** The least of a test runner. */
const tests = []
const names = []
const groups = [{ after: [] }]
const hooks = {
  describe(name, body) {
    names.push(name)
    const group = { after: [] }
    groups.push(group)
    body()
    groups.pop()
    names.pop()
    for (const after of group.after) tests.push({ run: after })
  },
  it: (name, run) => tests.push({ name: [...names.slice(1), name].join(': '), run }),
  afterAll: (body) => groups.at(-1).after.push(body),
  expect,
}

const jsonInUtf8 = { 'content-type': 'application/json; charset=utf-8' }

async function serve(fetch) {
  if (globalThis.Bun !== undefined) {
    const ip = (request) => server.requestIP(request)?.address
    const server = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      maxRequestBodySize: 1e9,
      fetch: (request) => fetch(request, ip(request)),
      error: () => new Response('failed', { status: 500 }),
    })
    return { port: server.port, stop: () => server.stop(true) }
  }
  const server = Deno.serve({ port: 0, hostname: '127.0.0.1', onListen() {} }, (request, { remoteAddr }) =>
    fetch(request, remoteAddr.hostname),
  )
  return { port: server.addr.port, stop: () => server.shutdown() }
}

const harnesses = {
  async fetch({ options, adapter, parsesBody, mountedTwice, handlerThrows }) {
    const keys = createWriteKeys(options)
    const handled = []
    const auth = writeKeyAuth(keys, { ...adapter, ip: (_, ip) => ip, onError: () => {} })
    const handle = async (request) => {
      const { id, events } = writeKeyOf(request)
      const body = request.body === null ? undefined : await request.json()
      handled.push({ writeKeyId: id, events, body })
      if (handlerThrows) throw new Error('the handler failed')
      return Response.json({ success: true, accepted: events.length }, { headers: jsonInUtf8 })
    }
    const { port, stop } = await serve(async (request, ip) => {
      if (parsesBody) await request.clone().text()
      const next = (_, accepted) =>
        mountedTwice ? auth(accepted, (__, again) => handle(again), ip) : handle(accepted)
      return auth(request, next, ip)
    })
    return { keys, handled, port, stop }
  },

  async hono({ options, adapter, parsesBody, mountedTwice, handlerThrows }) {
    const keys = createWriteKeys(options)
    const handled = []
    const app = new Hono()
    const auth = forHono.writeKeyAuth(keys, { ...adapter, ip: (c) => c.env.ip })
    if (parsesBody) app.use((c, next) => c.req.json().then(next, next))
    app.use('/v1/*', auth)
    if (mountedTwice) app.use('/v1/*', auth)
    app.all('/v1/*', async (c) => {
      const { id, events } = forHono.writeKeyOf(c)
      handled.push({ writeKeyId: id, events, body: c.req.raw.body === null ? undefined : await c.req.json() })
      if (handlerThrows) throw new Error('the handler failed')
      return c.body(JSON.stringify({ success: true, accepted: events.length }), 200, jsonInUtf8)
    })
    app.onError((_, c) => c.text('failed', 500))
    return { keys, handled, ...(await serve((request, ip) => app.fetch(request, { ip }))) }
  },

  async node({ options, adapter, mountedTwice, handlerThrows }) {
    const keys = createWriteKeys(options)
    const handled = []
    const auth = forNode.writeKeyAuth(keys, adapter)
    const server = createServer((request, response) => {
      const handle = () => {
        const { id, events } = forNode.writeKeyOf(request)
        handled.push({ writeKeyId: id, events, body: request.body })
        response.writeHead(handlerThrows ? 500 : 200, jsonInUtf8)
        response.end(JSON.stringify({ success: true, accepted: events.length }))
      }
      auth(request, response, () => (mountedTwice ? auth(request, response, handle) : handle()))
    })
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
    const stop = () => {
      server.closeAllConnections()
      server.close()
    }
    return { keys, handled, port: server.address().port, stop }
  },
}

const start = (name) => async (config) => {
  const { keys, handled, port, stop } = await harnesses[name](config)
  return {
    url: `http://127.0.0.1:${port}`,
    keys,
    handled: () => handled,
    async close() {
      await stop()
      await keys.close()
    },
  }
}

/** Requests whose target a URL parser folds before any adapter sees it. */
const folded = [
  '/v1/page\\track',
  '/v1/./track',
  '/v1/page/../track',
  '/v1/track/.',
  '/v1/%2e%2E/v1/track',
  '/v1/.%2e/v1/track',
  'http://localhost/v1/page\\track',
]

const [, , name] = process.argv
// More than a hundred headers are too many for the servers of Bun, and for Deno's own.
const byServer = { 'many other headers change nothing': 'by the server' }
const refusals =
  name === 'node'
    ? { byRouter: globalThis.Bun === undefined ? {} : byServer }
    : {
        byRouter: byServer,
        folded: Object.fromEntries(folded.map((target) => [`${target} is ambiguous`, 'by the URL parser'])),
        ownsConnection: false,
      }
adapterContract(hooks, name, start(name), refusals)

const failed = {}
let count = 0
for (const { name: behaviour, run } of tests) {
  try {
    if (behaviour !== undefined) count++
    await Promise.race([run(), new Promise((_, no) => setTimeout(no, 10_000, new Error('no end')).unref?.())])
  } catch (error) {
    failed[behaviour] = String(error.message)
  }
}
console.log(JSON.stringify({ count, failed }))
process.exit(0)

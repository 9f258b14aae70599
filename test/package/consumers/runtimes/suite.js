// The suite for adapters, for any runtime.
import { deepEqual, ok } from 'node:assert/strict'
import { Hono } from 'hono'
import { createWriteKeys } from 'writekey'
import { writeKeyAuth, writeKeyOf } from 'writekey/fetch'
import * as forHono from 'writekey/hono'
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

export const jsonInUtf8 = { 'content-type': 'application/json; charset=utf-8' }

/** @param serve starts a server that calls a function with a request and its address */
export const webHarnesses = (serve) => ({
  async fetch({ options, adapter, parsesBody, mountedTwice, handlerThrows }) {
    const keys = createWriteKeys(options)
    const handled = []
    const auth = writeKeyAuth(keys, { ...adapter, ip: (_, ip) => ip, onError: () => {} })
    const handle = async (request) => {
      const { id, events } = writeKeyOf(request)
      const text = await request.text()
      const body = text === '' ? undefined : JSON.parse(text)
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
      const text = await c.req.text()
      handled.push({ writeKeyId: id, events, body: text === '' ? undefined : JSON.parse(text) })
      if (handlerThrows) throw new Error('the handler failed')
      return c.body(JSON.stringify({ success: true, accepted: events.length }), 200, jsonInUtf8)
    })
    app.onError((_, c) => c.text('failed', 500))
    return { keys, handled, ...(await serve((request, ip) => app.fetch(request, { ip }))) }
  },
})

const start = (harness) => async (config) => {
  const { keys, handled, port, stop } = await harness(config)
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
const foldedTargets = [
  '/v1/page\\track',
  '/v1/./track',
  '/v1/page/../track',
  '/v1/track/.',
  '/v1/%2e%2E/v1/track',
  '/v1/.%2e/v1/track',
  'http://localhost/v1/page\\track',
]

/** Beside what the server refuses by itself. */
export const webRefusals = {
  folded: Object.fromEntries(foldedTargets.map((target) => [`${target} is ambiguous`, 'by the URL parser'])),
  ownsConnection: false,
}

/**
 * @param skipped names of tests that cannot pass, and why
 * @returns how many tests have run, and what fails
 */
export async function runContract(name, harness, refusals, skipped = {}) {
  adapterContract(hooks, name, start(harness), refusals)
  const failed = {}
  let count = 0
  for (const { name: behaviour, run } of tests.splice(0)) {
    if (behaviour in skipped) continue
    try {
      if (behaviour !== undefined) count++
      await Promise.race([
        run(),
        new Promise((_, no) => setTimeout(no, 10_000, new Error('no end')).unref?.()),
      ])
    } catch (error) {
      failed[behaviour] = String(error.message)
    }
  }
  return { count, failed }
}

import { createServer } from 'node:http'
import Koa3 from 'koa'
import Koa2 from 'koa2'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { ingestRoutes, writeKeyAuth } from '../adapters/koa.ts'
import { createAdminApi } from '../src/admin/index.ts'
import { createWriteKeys, type WriteKeyEvent, type WriteKeysOptions } from '../src/index.ts'
import { createIngestApi } from '../src/ingest/index.ts'
import { basic } from '../src/testing/adapter/golden/golden-request.ts'
import { listen } from './adapters/guarded-frameworks.ts'
import { thrownThings, unreadableThings } from './thrown-things.ts'

async function setUp(options: WriteKeysOptions = {}) {
  const told: WriteKeyEvent[] = []
  const keys = createWriteKeys({ onEvent: (event) => told.push(event), ...options })
  onTestFinished(() => keys.close())
  const { key } = await keys.create({ name: 'Web', sourceType: 'web' })
  const headers = { authorization: basic(key), 'content-type': 'application/json' }
  return {
    keys,
    headers,
    request: { method: 'POST', path: '/v1/track', headers, body: { event: 'a' } },
    told,
  }
}

describe.each([
  ['Koa 3', Koa3],
  ['Koa 2', Koa2 as unknown as typeof Koa3],
])('what a handler on %s throws', (_, Koa) => {
  // Koa never answers those two.
  const { null: _null, undefined: _undefined, ...answered } = thrownThings
  it.each(Object.entries(answered))('gets the answer that the app gives without us: %s', async (_, make) => {
    const { keys, headers } = await setUp()
    const api = createIngestApi(keys, { onEvents() {}, senders: ['inngest'] })
    const answers: string[] = []
    for (const isGuarded of [false, true]) {
      const app = new Koa()
      app.silent = true
      if (isGuarded) app.use(ingestRoutes(api)).use(writeKeyAuth(keys))
      app.use(() => {
        throw make()
      })
      const url = await listen(createServer(app.callback()))
      const answer = await fetch(`${url}/v1/track`, {
        method: 'POST',
        headers: { ...headers, connection: 'close' },
        body: '{}',
      })
      answers.push(`${answer.status} ${await answer.text()}`)
    }
    expect(answers[1]).toBe(answers[0])
  })
})

const everything = Object.entries({ ...thrownThings, ...unreadableThings })

describe('what an application throws', () => {
  it.each(everything)('in onEvents is answered, told and logged: %s', async (_, make) => {
    const logger = { error: vi.fn() }
    const { keys, request, told } = await setUp({ logger })
    const api = createIngestApi(keys, { onEvents: () => Promise.reject(make()) })
    const route = api.find('/v1/track')
    const answer = await api.answer(route as NonNullable<typeof route>, request)
    const isFinal = answer?.reply.status === 400
    if (!isFinal) expect(answer?.reply).toMatchObject({ status: 503, headers: { 'retry-after': '5' } })
    const [refused, ...more] = told.filter(({ type }) => type === 'refused' || type === 'accepted')
    expect(more).toEqual([])
    expect(refused).toMatchObject({ type: 'refused', reason: isFinal ? 'invalid_event' : 'handler_failed' })
    if (!isFinal) {
      expect(refused).toHaveProperty('error', expect.any(Error))
      expect(logger.error).toHaveBeenCalledOnce()
    }
  })

  it.each(everything)('in workspace is a refusal: %s', async (_, make) => {
    const { keys, request, told } = await setUp({ logger: false })
    const workspace = () => {
      throw make()
    }
    const verdict = await keys.verify({ ...request, workspace })
    expect(verdict).toMatchObject({ ok: false, reason: 'internal_error', reply: { status: 503 } })
    expect(told.map(({ type }) => type)).toEqual(['internal_error', 'refused'])
  })

  it.each(everything)('in authorize is a failed call: %s', async (_, make) => {
    const { keys } = await setUp({ logger: false })
    const authorize = () => {
      throw make()
    }
    const answer = await createAdminApi(keys, { authorize }).fetch(
      new Request('http://localhost/api/v1/events/write-keys'),
    )
    expect(answer.status).toBe(500)
  })

  it.each(Object.entries(unreadableThings))('can be logged by the default logger: %s', async (_, make) => {
    const lines: string[] = []
    vi.spyOn(console, 'error').mockImplementation((line) => lines.push(String(line)))
    const { keys, request } = await setUp()
    await keys.verify({
      ...request,
      workspace() {
        throw Object.assign(new Error('no workspace'), { cause: make() })
      },
    })
    expect(lines).toHaveLength(1)
    expect(lines[0]).toContain('no workspace')
  })
})

import * as fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createWriteKeys, type IngestRequest, type WriteKeysOptions } from '../../src/index.ts'

const event = { type: 'track', event: 'Sent' }
const json = JSON.stringify(event)

async function keysAndRequest(options: WriteKeysOptions = {}) {
  const keys = createWriteKeys(options)
  const { key } = await keys.create({ name: 'Web App', sourceType: 'web' })
  const authorization = `Basic ${Buffer.from(`${key}:`).toString('base64')}`
  const request = { method: 'POST', path: '/v1/track', headers: { authorization }, body: event }
  return { keys, key, authorization, request }
}

function throwing(): never {
  throw new Error('from a getter')
}

describe('a request that is none', () => {
  const garbage: Record<string, unknown> = {
    undefined: undefined,
    null: null,
    'a number': 5,
    'a text': 'POST',
    'a symbol': Symbol('request'),
    'a function': () => {},
    'an array': [],
    'an empty object': {},
    'an object without a prototype': Object.create(null),
    'no headers': { method: 'POST', path: '/v1/track' },
    'headers: null': { method: 'POST', path: '/v1/track', headers: null },
    'a number in every field': { method: 5, path: 5, headers: 5, query: 5, ip: 5, body: 5 },
    'a number as address': { method: 'POST', path: '/v1/track', headers: {}, ip: 5 },
    'OPTIONS without headers': { method: 'OPTIONS' },
    'a proxy whose every property throws': new Proxy({}, { get: throwing }),
    'headers that throw': { method: 'POST', path: '/v1/track', headers: new Proxy({}, { get: throwing }) },
    'a body that throws': {
      method: 'POST',
      path: '/v1/track',
      headers: {},
      get body() {
        return throwing()
      },
    },
  }
  for (const [name, request] of Object.entries(garbage)) {
    it(`is refused without a throw or a rejection: ${name}`, async () => {
      const { keys } = await keysAndRequest({
        credentials: ['basic', 'header', 'query', 'body'],
        onEvent: () => {},
      })
      const verdict = await keys.verify(request as IngestRequest)
      expect(verdict).toMatchObject({ ok: false, reply: { status: expect.any(Number), headers: {} } })
      expect(keys.preflight(request as IngestRequest)).toBeUndefined()
      await keys.close()
    })
  }

  it('is refused with 503 when trustedProxies throws, which onEvent is told', async () => {
    const told: string[] = []
    const { keys, request } = await keysAndRequest({
      trustedProxies: throwing,
      onEvent: ({ type }) => told.push(type),
    })
    const { writeKey } = await keys.list().then(({ data }) => ({ writeKey: data[0] }))
    await keys.update(writeKey?.id ?? '', { deniedIps: ['10.0.0.0/8'] })

    const verdict = await keys.verify({ ...request, ip: '192.0.2.1' })
    expect(verdict).toMatchObject({ ok: false, reason: 'internal_error', reply: { status: 503 } })
    expect(told).toEqual(['internal_error', 'refused'])
    await keys.close()
  })
})

describe('a header in a list of one, as in headersDistinct', () => {
  it('counts as the header itself', async () => {
    const { keys, key, authorization, request } = await keysAndRequest({ credentials: ['basic', 'header'] })
    for (const headers of [{ authorization: [authorization] }, { 'x-write-key': [key] }]) {
      expect((await keys.verify({ ...request, headers })).ok).toBe(true)
    }
    for (const headers of [
      { authorization: [authorization, authorization] },
      { authorization: [] },
      { 'x-write-key': [key, key] },
    ]) {
      expect(await keys.verify({ ...request, headers })).toMatchObject({ ok: false, reason: 'malformed_key' })
    }
    await keys.close()
  })
})

describe('a credential followed by a space that is no blank of HTTP', () => {
  it('is another spelling, and refused', async () => {
    const { keys, authorization, request } = await keysAndRequest()
    for (const end of ['\u00a0', '\u2003', '\ufeff', '\n', '\v']) {
      const headers = { authorization: `${authorization}${end}` }
      expect((await keys.verify({ ...request, headers })).ok).toBe(false)
    }
    for (const end of [' ', '\t', ' \t ']) {
      const headers = { authorization: `${authorization}${end}` }
      expect((await keys.verify({ ...request, headers })).ok).toBe(true)
    }
    await keys.close()
  })
})

describe('a body function', () => {
  const bodies: Record<string, unknown> = {
    'a Buffer': () => Buffer.from(json),
    'a promise of a Buffer': async () => Buffer.from(json),
    'a text': () => json,
    'an ArrayBuffer': async () => new TextEncoder().encode(json).buffer,
    'a parsed value': async () => event,
  }
  for (const [what, body] of Object.entries(bodies)) {
    it(`may give ${what}`, async () => {
      const { keys, request } = await keysAndRequest()
      expect(await keys.verify({ ...request, body })).toMatchObject({ ok: true, events: [event] })
      await keys.close()
    })
  }

  it('that gives nothing means no body', async () => {
    const { keys, request } = await keysAndRequest()
    expect(await keys.verify({ ...request, body: () => undefined })).toMatchObject({
      ok: false,
      reason: 'invalid_json',
    })
    await keys.close()
  })
})

describe('a query that is null, as url.parse has it', () => {
  it.each([
    { place: 'query' as const },
    { place: { query: 'token' } },
    { place: 'header' as const },
    { place: { path: '/e/:key' } },
  ])('is no query where keys are read from $place', async ({ place }) => {
    const isInPath = typeof place === 'object' && 'path' in place
    const credentials = isInPath || place === 'header' ? [place] : [place, 'basic' as const]
    const { keys, key, authorization } = await keysAndRequest({ credentials })
    onTestFinished(() => keys.close())
    const path = isInPath ? `/e/${key}` : '/e'
    const headers = { authorization, 'x-write-key': key }
    const sent = { method: 'POST', path, query: null, headers, body: event }
    expect(await keys.verify(sent)).toMatchObject({ ok: true })
    expect(await keys.verify({ ...sent, path: '/e', headers: {} })).toMatchObject({ reason: 'missing_key' })
    const preflight = { origin: 'https://a.com', 'access-control-request-method': 'POST' }
    expect(keys.preflight({ ...sent, method: 'OPTIONS', headers: preflight })).toMatchObject({ status: 204 })
  })
})

describe('a property that throws', () => {
  it('refuses the request with 503 and gives back what it was charged', async () => {
    const { keys, request } = await keysAndRequest({
      credentials: ['basic', 'query'],
      defaultRateLimitEps: 1,
    })
    onTestFinished(() => keys.close())
    const query = new Proxy({}, { ownKeys: throwing })
    expect(await keys.verify({ ...request, query })).toMatchObject({
      reason: 'internal_error',
      reply: { status: 503 },
    })
    expect(await keys.verify(request)).toMatchObject({ ok: true })
  })

  it.each(['method', 'path', 'query', 'headers', 'ip', 'body', 'eventType', 'workspace', 'credentials'])(
    'is refused with 503, wherever it is read: %s',
    async (name) => {
      const { keys, request } = await keysAndRequest({
        credentials: ['basic', 'query', { path: '/e/:key' }],
      })
      onTestFinished(() => keys.close())
      const broken = Object.defineProperty({ ...request }, name, { get: throwing, enumerable: true })
      expect(await keys.verify(broken)).toMatchObject({ reason: 'internal_error', reply: { status: 503 } })
    },
  )
})

it('verify never rejects, and preflight never throws, whatever is in a request', async () => {
  const values = [
    ...[undefined, null, 5, Number.NaN, '', true, 1n, Symbol('s'), '%', '%ff', [], [null], [['a']], {}],
    ...[() => {}, new Date(0), new Map([['authorization', 'x']]), new Set(['x']), Object.create(null)],
    ...[{ writeKey: null }, { writeKey: {} }, { writeKey: [null] }, { writeKey: Symbol('x') }],
    ...[
      new Proxy({}, { ownKeys: throwing }),
      new Proxy({}, { get: throwing }),
      new URLSearchParams('writeKey=x'),
    ],
  ]
  const { keys, key, request } = await keysAndRequest({
    credentials: ['basic', 'header', 'query', { path: '/e/:key' }, ({ query }) => String(query), 'body'],
    onEvent: () => {},
    logger: false,
    trustedProxies: 1,
  })
  onTestFinished(() => keys.close())
  const fields = ['method', 'path', 'query', 'headers', 'ip', 'body', 'eventType', 'batchFields'] as const
  const value = fc.constantFrom<unknown[]>(...values)
  const broken = fc.dictionary(fc.constantFrom(...fields), value, { minKeys: 1, maxKeys: 2 })
  const base = fc.constantFrom(
    request,
    { ...request, headers: {}, query: `writeKey=${key}` },
    { method: 'OPTIONS', path: '/e', headers: { origin: 'x', 'access-control-request-method': 'POST' } },
  )
  await fc.assert(
    fc.asyncProperty(base, broken, async (good, bad) => {
      const sent = { ...good, ...bad } as never
      keys.preflight(sent)
      const verdict = await keys.verify(sent)
      if (!verdict.ok) expect(verdict.reply.status).toBeGreaterThanOrEqual(204)
    }),
    { numRuns: 300 },
  )
})

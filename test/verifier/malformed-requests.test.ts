import { describe, expect, it } from 'vitest'
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

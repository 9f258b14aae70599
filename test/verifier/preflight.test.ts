import { describe, expect, it } from 'vitest'
import { challengeFor } from '../../src/verifier/challenge.ts'
import { answerPreflight } from '../../src/verifier/cors.ts'
import { credentialsOption } from '../../src/verifier/credentials-option.ts'

const asked = { origin: 'https://app.example.com', 'access-control-request-method': 'POST' }
const preflight = (headers: Record<string, string | string[]>, method = 'OPTIONS') =>
  answerPreflight({ method, path: '/v1/track', headers })
const allowed = (requested: string | string[]) =>
  preflight({ ...asked, 'access-control-request-headers': requested })?.headers[
    'access-control-allow-headers'
  ]

describe('a preflight', () => {
  it('is answered the same for every origin', () => {
    const answer = preflight(asked)
    expect(answer).toEqual({
      status: 204,
      headers: {
        'access-control-allow-origin': '*',
        'access-control-allow-methods': 'POST',
        'access-control-allow-headers': 'authorization, content-type',
        'access-control-max-age': '7200',
        vary: 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers',
      },
      body: '',
    })
    expect(preflight({ ...asked, origin: 'null' })).toEqual(answer)
  })

  it('is an OPTIONS request with an origin and the method that is asked for, and nothing else', () => {
    expect(preflight(asked, 'POST')).toBeUndefined()
    expect(preflight({ origin: asked.origin })).toBeUndefined()
    expect(preflight({ 'access-control-request-method': 'POST' })).toBeUndefined()
  })

  it('allows the headers that are asked for, once each, and no text that is no header name', () => {
    expect(allowed('X-Trace,Authorization ,  x-trace')).toBe('authorization, content-type, x-trace')
    expect(allowed(['x-one', 'x-two'])).toBe('authorization, content-type, x-one, x-two')
    expect(allowed('x-a b, (x), , x-"y", *')).toBe('authorization, content-type, *')
    const names = (length: number) => `${'x'.repeat(length - 2)},y`
    expect(allowed(names(1_024))).toContain(', y')
    expect(allowed(names(1_025))).toBe('authorization, content-type')
  })

  it('hides the key in its URL as that of any request', () => {
    const answerOf = (places: unknown, about: object) => {
      const usual = { credentials: credentialsOption(places, 'credentials'), batchFields: ['batch'] }
      return answerPreflight({ method: 'OPTIONS', path: '/e/a-key', headers: asked, ...about }, usual)
    }
    const inPath = { path: '/e/:key' }
    expect(answerOf(inPath, {})?.carried?.hideInUrl('/e/a-key?b=1')).toBe('/e/unknown-key?b=1')
    expect(answerOf('basic', { credentials: inPath })?.carried?.inUrl).toBe(true)
    expect(answerOf('query', { query: 'writeKey=a-key' })?.carried?.hideInUrl('/?writeKey=a-key')).toBe('/')
    for (const answer of [
      answerOf('basic', {}),
      answerOf(inPath, { path: '/other/a-key' }),
      answerOf(inPath, { path: undefined }),
    ]) {
      expect(answer?.status).toBe(204)
      expect(answer).not.toHaveProperty('carried')
    }
  })
})

it('names the scheme that opens no login box to browsers, unless it is told otherwise', () => {
  const schemes = (policy: 'auto' | 'basic' | 'custom') =>
    [true, false].map((fromBrowser) => challengeFor(policy, fromBrowser).split(' ')[0])
  expect(schemes('auto')).toEqual(['WriteKey', 'Basic'])
  expect(schemes('basic')).toEqual(['Basic', 'Basic'])
  expect(schemes('custom')).toEqual(['WriteKey', 'WriteKey'])
})

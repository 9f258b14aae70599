import { describe, expect, it } from 'vitest'
import { toLowerCaseFields } from '../../src/http/header-fields.ts'
import { createWriteKeys, type IngestRequestInit } from '../../src/index.ts'
import { basic } from '../../src/testing/adapter/golden/golden-request.ts'

describe('toLowerCaseFields', () => {
  it('answers fields in lower case as they are', () => {
    const fields = { authorization: 'x', 'x-write-key': 'y' }
    expect(toLowerCaseFields(fields)).toBe(fields)
  })

  it('folds names, and keeps all values of a name in several spellings', () => {
    expect(toLowerCaseFields({ Origin: 'a', 'X-A': ['b', 'c'], 'x-a': 'd', 'X-B': undefined })).toEqual({
      origin: 'a',
      'x-a': ['b', 'c', 'd'],
    })
  })

  it('takes Headers and Maps', () => {
    const pairs: [string, string][] = [
      ['Origin', 'a'],
      ['X-A', 'b'],
    ]
    for (const headers of [new Headers(pairs), new Map(pairs)])
      expect(toLowerCaseFields(headers)).toEqual({ origin: 'a', 'x-a': 'b' })
  })
})

describe('verify', () => {
  async function verifyWith(makeHeaders: (authorization: string) => IngestRequestInit['headers']) {
    const keys = createWriteKeys({
      credentials: ['basic', ({ headers }) => headers['x-own'] as string | undefined],
    })
    const { key } = await keys.create({
      name: 'Web App',
      sourceType: 'web',
      allowedOrigins: ['https://a.example'],
    })
    const headers = makeHeaders(basic(key))
    const verdict = await keys.verify({ method: 'POST', path: '/v1/track', headers, body: {} })
    return verdict.ok ? 'accepted' : verdict.reason
  }

  it('takes header names in any case, and Headers', async () => {
    const origin = 'https://a.example'
    for (const name of ['authorization', 'Authorization', 'AUTHORIZATION', 'aUTHORIZATION']) {
      expect(await verifyWith((authorization) => ({ [name]: authorization, Origin: origin }))).toBe(
        'accepted',
      )
      expect(await verifyWith((value) => new Headers({ [name]: value, Origin: origin }))).toBe('accepted')
      expect(await verifyWith((value) => ({ [name]: value, ORIGIN: 'https://b.example' }))).toBe(
        'origin_not_allowed',
      )
    }
  })

  it('refuses an authorization in two spellings as repeated', async () => {
    expect(await verifyWith((value) => ({ authorization: value, Authorization: value }))).toBe(
      'malformed_key',
    )
    expect(await verifyWith((value) => ({ Authorization: value, AUTHORIZATION: 'Bearer x' }))).toBe(
      'malformed_key',
    )
    expect(
      await verifyWith(
        (value) =>
          new Headers([
            ['authorization', value],
            ['Authorization', value],
          ]),
      ),
    ).toBe('malformed_key')
  })

  it('answers a preflight whatever the case of its headers', () => {
    const keys = createWriteKeys()
    const fields = { ORIGIN: 'https://a.example', 'Access-Control-Request-Method': 'POST' }
    for (const headers of [fields, new Headers(fields)]) {
      expect(keys.preflight({ method: 'OPTIONS', path: '/v1/track', headers })?.status).toBe(204)
    }
  })
})

import { afterEach, describe, expect, it } from 'vitest'
import {
  type CredentialSource,
  createWriteKeys,
  type IngestRequestInit,
  type WriteKeyEvent,
  type WriteKeys,
  type WriteKeysOptions,
} from '../../src/index.ts'
import { generateSecret } from '../../src/keys/secret.ts'

const opened: WriteKeys[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((keys) => keys.close()))
})

const event = { type: 'track', event: 'Signed Up' }

async function setUp(credentials: WriteKeysOptions['credentials'], options: WriteKeysOptions = {}) {
  const told: WriteKeyEvent[] = []
  const keys = createWriteKeys({
    ...options,
    ...(credentials !== undefined && { credentials }),
    onEvent: (one) => told.push(one),
  })
  opened.push(keys)
  const { key, writeKey } = await keys.create({ name: 'Sender', sourceType: 'other' })
  const verify = (request: Partial<IngestRequestInit>) =>
    keys.verify({ method: 'POST', path: '/v1/track', headers: {}, body: event, ...request })
  const reasonOf = async (request: Partial<IngestRequestInit>) => {
    const verdict = await verify(request)
    return verdict.ok ? 'accepted' : verdict.reason
  }
  return { keys, key, id: writeKey.id, verify, reasonOf, told }
}

const basic = (key: string) => `Basic ${btoa(`${key}:`)}`

describe('a place for the key', () => {
  const places: [string, CredentialSource, (key: string) => Partial<IngestRequestInit>][] = [
    ['basic', 'basic', (key) => ({ headers: { authorization: basic(key) } })],
    ['bearer', 'bearer', (key) => ({ headers: { authorization: `bEARER  ${key} ` } })],
    ['the usual header', 'header', (key) => ({ headers: { 'X-Write-Key': key } })],
    ['another header', { header: 'X-Api-Key' }, (key) => ({ headers: { 'x-api-key': key } })],
    ['the usual parameter', 'query', (key) => ({ query: `a=1&writekey=${key}` })],
    ['another parameter', { query: 'token' }, (key) => ({ query: { token: key } })],
    ['the usual property', 'body', (key) => ({ body: { ...event, writeKey: key } })],
    ['another property', { body: 'api_key' }, (key) => ({ body: { api_key: key, batch: [event] } })],
    ['the path', { path: '/e/:key' }, (key) => ({ path: `/any/where/E/${key}/` })],
    ['the middle of the path', { path: '/:key/track' }, (key) => ({ path: `/v1/${key}/track` })],
    ['an encoded path', { path: '/e/:key' }, (key) => ({ path: `/e/${key.replace('_', '%5F')}` })],
  ]

  it.each(places)('may be %s', async (_, source, present) => {
    const { key, verify, reasonOf } = await setUp(source)
    const verdict = await verify(present(key))
    expect(verdict).toMatchObject({ ok: true, events: [event] })
    expect(JSON.stringify(verdict)).not.toContain(key)
    expect(await reasonOf({ path: '/' })).toBe('missing_key')
    expect(await reasonOf(present('nonsense'))).toBe('malformed_key')
    expect(await reasonOf(present(generateSecret('sk_live_')))).toBe('unknown_key')
  })

  it.each([
    ['basic', { authorization: 'Bearer abc' }],
    ['basic', { authorization: 'Digest abc' }],
    ['bearer', { authorization: basic('abc') }],
  ] as const)('%s takes an Authorization of another scheme for none', async (source, headers) => {
    const { key, reasonOf } = await setUp([source, 'query'])
    expect(await reasonOf({ headers })).toBe('missing_key')
    expect(await reasonOf({ headers, query: `writeKey=${key}` })).toBe('accepted')
  })

  it('is refused when one source gives it twice', async () => {
    const { key, reasonOf } = await setUp(['bearer', 'header', 'query', { query: 'token' }])
    const twice = `${key}, ${key}`
    expect(await reasonOf({ headers: { authorization: [`Bearer ${key}`, `Bearer ${key}`] } })).toBe(
      'malformed_key',
    )
    for (const value of [[key, key], twice])
      expect(await reasonOf({ headers: { 'x-write-key': value } })).toBe('malformed_key')
    for (const query of [
      `writeKey=${key}&writeKey=${key}`,
      `writeKey=${key}&writekey=${key}`,
      `token=${key}&token=${key}`,
    ])
      expect(await reasonOf({ query })).toBe('malformed_key')
  })

  it.each(['/e/:key/', 'e/:key', '/e/key', '/:key/:key', '/e/*', '', 5])(
    'refuses the pattern %s',
    async (path) => {
      expect(() => createWriteKeys({ credentials: { path } as never })).toThrow(/credentials must be/)
    },
  )
})

describe('the order of places', () => {
  it('is headers, then path and query, then the body, each in list order', async () => {
    const { key, reasonOf } = await setUp(['body', { path: '/e/:key' }, 'query', 'header', 'basic'])
    const other = generateSecret('sk_live_')
    const good = { basic: { authorization: basic(key) }, header: { 'x-write-key': key } }
    const everywhere = {
      path: `/e/${other}`,
      query: `writeKey=${other}`,
      body: { ...event, writeKey: other },
    }
    expect(await reasonOf({ ...everywhere, headers: { ...good.header, authorization: basic(other) } })).toBe(
      'accepted',
    )
    expect(await reasonOf({ ...everywhere, headers: good.basic })).toBe('accepted')
    expect(await reasonOf({ ...everywhere, path: `/e/${key}` })).toBe('accepted')
    expect(await reasonOf({ ...everywhere, path: '/e', query: `writeKey=${key}` })).toBe('accepted')
    expect(await reasonOf({ body: { ...event, writeKey: key } })).toBe('accepted')
  })

  it('reads no body while something earlier presents a key', async () => {
    const { reasonOf } = await setUp([
      'basic',
      'query',
      async (request) => String(await request.readBody()),
      'body',
    ])
    let reads = 0
    const body = () => {
      reads++
      return '{}'
    }
    expect(await reasonOf({ headers: { authorization: basic(generateSecret('sk_live_')) }, body })).toBe(
      'unknown_key',
    )
    expect(await reasonOf({ query: 'writeKey=nonsense', body })).toBe('malformed_key')
    expect(reads).toBe(0)
  })

  it('asks a function behind all that stand before it, and only then', async () => {
    const asked: string[] = []
    const ask = (name: string) => () => {
      asked.push(name)
      return undefined
    }
    const { key, reasonOf } = await setUp([
      ask('first'),
      'query',
      ask('second'),
      'basic',
      'body',
      ask('third'),
    ])
    await reasonOf({})
    expect(asked.splice(0)).toEqual(['first', 'second', 'third'])
    await reasonOf({ headers: { authorization: basic(key) } })
    expect(asked).toEqual(['first'])
  })
})

describe('a function among the credentials', () => {
  it('may read the body, once or more, without taking it', async () => {
    let reads = 0
    const find = async ({ readBody }: { readBody(): Promise<unknown> }) => {
      const [body, again] = await Promise.all([readBody(), readBody()])
      expect(again).toBe(body)
      return (body as { auth?: { token?: string } } | undefined)?.auth?.token
    }
    const { key, verify } = await setUp(find)
    const body = () => {
      reads++
      return JSON.stringify({ auth: { token: key }, batch: [event] })
    }
    expect(await verify({ path: '/v1/batch', body })).toMatchObject({ ok: true, events: [event] })
    expect(reads).toBe(1)
  })

  it('has what it found taken from headers, URL and body, wherever it was', async () => {
    const { key, id, verify } = await setUp(({ headers, query, path, readBody }) => {
      const inQuery = new URLSearchParams(query as string).get('k')
      return (
        (headers['x-own'] as string) ??
        inQuery ??
        /\/by\/([^/]+)/.exec(path)?.[1] ??
        readBody().then((body) => (body as { k: string }).k)
      )
    })
    const inHeader = await verify({ headers: { 'x-own': key } })
    expect(inHeader.carried).toMatchObject({ headers: ['x-own'], inUrl: false })
    const inQuery = await verify({ query: `k=${key}&a=1` })
    expect(inQuery.carried?.hideInUrl(`/v1/track?k=${key}&a=1`)).toBe('/v1/track?a=1')
    const inPath = await verify({ path: `/by/${key}/track` })
    expect(inPath.carried?.hideInUrl(`/by/${key}/track`)).toBe(`/by/${id}/track`)
    const inBody = await verify({ body: { k: key, batch: [{ ...event, k: key }] } })
    expect(inBody).toMatchObject({ ok: true, events: [event] })
    expect(JSON.stringify(inBody)).not.toContain(key)
  })

  it('gets no body of a GET, and none that cannot be used', async () => {
    const bodies: unknown[] = []
    const { reasonOf } = await setUp(async ({ readBody }) => {
      bodies.push(await readBody())
      return undefined
    })
    expect(await reasonOf({ method: 'GET', body: undefined })).toBe('missing_key')
    expect(await reasonOf({ body: () => '{nonsense' })).toBe('invalid_json')
    expect(bodies).toEqual([undefined, undefined])
  })

  it('is one whose failure refuses with 503', async () => {
    const { verify } = await setUp(() => Promise.reject(new Error('broken')))
    expect(await verify({})).toMatchObject({ reason: 'internal_error', reply: { status: 503 } })
  })
})

describe('a key in a URL', () => {
  it('is not kept by caches, and takes part in no event, accepted or not', async () => {
    const { keys, key, id, verify, told } = await setUp([{ path: '/e/:key' }, 'query'])
    for (const request of [{ path: `/e/${key}` }, { query: `writeKey=${key}` }])
      expect(await verify(request)).toMatchObject({ ok: true, headers: { 'cache-control': 'no-store' } })
    await keys.revoke(id)
    const refused = await verify({ path: `/e/${key}` })
    expect(refused).toMatchObject({
      reason: 'revoked_key',
      reply: { headers: { 'cache-control': 'no-store' } },
    })
    expect(refused.carried?.hideInUrl(`/e/${key}?a=1`)).toBe(`/e/${id}?a=1`)
    const unknown = generateSecret('sk_live_')
    expect((await verify({ path: `/e/${unknown}` })).carried?.hideInUrl(`/e/${unknown}`)).toBe(
      '/e/unknown-key',
    )
    expect(told).not.toHaveLength(0)
    expect(JSON.stringify(told)).not.toContain(key)
  })
})

describe('batchFields', () => {
  it('says where bodies keep their events', async () => {
    const { key, verify, reasonOf } = await setUp('basic', { batchFields: ['batch', 'events'] })
    const headers = { authorization: basic(key) }
    const path = '/v1/batch'
    expect(await verify({ path, headers, body: { events: [event, event], sentAt: 'x' } })).toMatchObject({
      events: [event, event],
      body: { events: [event, event], sentAt: 'x' },
    })
    expect(await reasonOf({ path, headers, body: { batch: [event] } })).toBe('accepted')
    expect(await reasonOf({ path, headers, body: { batch: [event], events: [event] } })).toBe('invalid_event')
    expect(await reasonOf({ path, headers, body: [{ events: [event] }] })).toBe('invalid_event')
    expect(await reasonOf({ path, headers, body: { events: {} } })).toBe('invalid_event')
  })

  it('and credentials may differ by route', async () => {
    const { key, verify, reasonOf } = await setUp('basic')
    const route = { credentials: { body: 'token' }, batchFields: ['events'] }
    expect(
      await verify({ path: '/v1/batch', ...route, body: { token: key, events: [{ ...event, token: key }] } }),
    ).toMatchObject({
      events: [event],
      body: { events: [event] },
    })
    expect(await reasonOf({ headers: { authorization: basic(key) }, ...route })).toBe('missing_key')
    expect(await reasonOf({ headers: { authorization: basic(key) }, credentials: 'nowhere' as never })).toBe(
      'internal_error',
    )
  })
})

describe('bodies that are read before their key is known', () => {
  it('may take a quarter of the room of all, whoever wants them', async () => {
    const sizes = { maxPendingBodyBytes: 4_000, maxBodyBytes: 1_000 }
    for (const credentials of [
      'body',
      async ({ readBody }) => (await readBody()) as string,
    ] as CredentialSource[]) {
      const { reasonOf } = await setUp(credentials, sizes)
      const heldUp: (() => void)[] = []
      const slow = (_: number, hold?: (bytes: number) => boolean) => {
        if (hold?.(600) === false) return null
        return new Promise<string>((resolve) => heldUp.push(() => resolve(' '.repeat(600))))
      }
      const first = reasonOf({ body: slow })
      expect(await reasonOf({ body: slow })).toBe('busy')
      for (const release of heldUp) release()
      expect(await first).toBe('invalid_json')
    }
  })

  it('are left unread for an address that has spent its budget', async () => {
    const { keys } = await setUp(async ({ readBody }) => ((await readBody()) as { k: string }).k)
    let reads = 0
    const send = () =>
      keys.verify({
        method: 'POST',
        path: '/v1/track',
        headers: {},
        ip: '203.0.113.7',
        body: () => {
          reads++
          return JSON.stringify({ k: generateSecret('sk_live_') })
        },
      })
    let verdict = await send()
    for (let count = 0; count < 500 && !verdict.ok && verdict.reason !== 'too_many_failures'; count++)
      verdict = await send()
    const before = reads
    expect(await send()).toMatchObject({ reason: 'too_many_failures' })
    expect(reads).toBe(before)
  })
})

import { describe, expect, it } from 'vitest'
import { createAdminApi } from '../../src/admin/index.ts'
import { createMemoryStore, createWriteKeys } from '../../src/index.ts'
import { adminToken, callApi, startAdmin, tokens, viewerToken } from './admin-calls.ts'

const path = '/api/v1/events/debugger'

async function setUp() {
  const admin = startAdmin()
  const { key, writeKey } = await admin.keys.create({ name: 'Web', sourceType: 'web' })
  const send = (secret = key, event = 'Signed Up') =>
    admin.keys.verify({
      method: 'POST',
      path: '/v1/track',
      headers: { authorization: `Basic ${btoa(`${secret}:`)}` },
      ip: '203.0.113.7',
      body: { event },
    })
  const openStream = async (query = '') => {
    const leaving = new AbortController()
    const response = await admin.api.fetch(
      new Request(`http://localhost${path}${query}`, {
        headers: { authorization: `Bearer ${adminToken}`, accept: 'text/event-stream' },
        signal: leaving.signal,
      }),
      {},
    )
    const reader = (response.body as ReadableStream<Uint8Array>).getReader()
    return {
      response,
      leave: () => reader.cancel(),
      isDone: async () => (await reader.read()).done,
      /** Reads until as many messages as asked for have come. */
      async read(count: number) {
        let text = ''
        const messages = () => [...text.matchAll(/^event: (\w+)\ndata: (.*)$/gm)]
        while (messages().length < count) text += new TextDecoder().decode((await reader.read()).value)
        return messages().map(([, event, data]) => ({ event, data: JSON.parse(data as string) }))
      },
    }
  }
  return { ...admin, key, writeKey, send, openStream }
}

/** What the decision of this number is called in these tests, whose process begins at the same time. */
const idOf = (number: number) => Date.UTC(2026, 0, 5, 12, 1) * 1_000 + number

describe('the event debugger', () => {
  it('lists what was decided, with the internal reason', async () => {
    const { call, send, writeKey } = await setUp()
    await send()
    await send('sk_live_mistyped')
    const { status, body } = await call('GET', path)
    expect(status).toBe(200)
    expect(body.data).toMatchObject([
      {
        id: idOf(1),
        key_id: writeKey.id,
        verdict: 'accepted',
        reason: null,
        types: ['track'],
        names: ['Signed Up'],
      },
      {
        id: idOf(2),
        key_id: null,
        verdict: 'refused',
        reason: 'malformed_key',
        address: '203.0.113.7',
        payload: null,
      },
    ])
    const refused = await call('GET', `${path}?outcome=refused`)
    expect(refused.body.data).toMatchObject([{ id: idOf(2) }])
    const ofKey = await call('GET', `${path}?key_id=${writeKey.id}&after=${idOf(1)}`)
    expect(ofKey.body.data).toEqual([])
  })

  it('sends what was decided and what follows as server-sent events', async () => {
    const { send, openStream } = await setUp()
    await send()
    const stream = await openStream()
    expect(stream.response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    expect(await stream.read(1)).toMatchObject([{ event: 'decision', data: { id: idOf(1) } }])
    await send()
    expect(await stream.read(1)).toMatchObject([{ event: 'decision', data: { id: idOf(2) } }])
    await stream.leave()
  })

  it('goes on where a reader left, and from the start when the process is another', async () => {
    const { send, openStream } = await setUp()
    for (let count = 0; count < 3; count++) await send()
    const later = await openStream(`?after=${idOf(2)}`)
    expect(await later.read(1)).toMatchObject([{ event: 'decision', data: { id: idOf(3) } }])
    await later.leave()
    const restarted = await openStream(`?after=${idOf(999)}`)
    const [first, ...rest] = await restarted.read(4)
    expect([first?.event, rest.map(({ data }) => data.id)]).toEqual(['restart', [1, 2, 3].map(idOf)])
    await restarted.leave()
  })

  it('leaves nothing out for a reader that goes on after a restart, as a list and as a stream', async () => {
    const store = createMemoryStore()
    let now = Date.UTC(2026, 0, 5)
    const start = () => {
      const keys = createWriteKeys({ store, clock: () => now })
      return { keys, call: callApi(createAdminApi(keys, { tokens })) }
    }
    const send = (keys: ReturnType<typeof createWriteKeys>) =>
      keys.verify({ method: 'POST', path: '/v1/track', headers: {} })
    const before = start()
    await before.call('GET', path)
    for (let count = 0; count < 5; count++) await send(before.keys)
    const after = (await before.call('GET', path)).body.data.at(-1).id
    // A second later, and on a host whose clock is an hour behind: more has been decided than before.
    for (const passed of [1_000, -3_600_000]) {
      now += passed
      const { keys, call } = start()
      await call('GET', path)
      for (let count = 0; count < 8; count++) await send(keys)
      const { data } = (await call('GET', `${path}?after=${after}`)).body
      expect(data).toHaveLength(8)
      expect((await call('GET', `${path}?after=${data[5].id}`)).body.data).toHaveLength(2)
      await keys.close()
    }
  })

  it('leaves out decisions for a reader that is too slow, and says how many', async () => {
    const { send, openStream } = await setUp()
    const stream = await openStream()
    for (let count = 0; count < 1_500; count++) await send()
    const messages = await stream.read(500)
    const missed = messages.find(({ event }) => event === 'missed')?.data.count as number
    const seen = messages.filter(({ event }) => event === 'decision')
    expect(missed).toBeGreaterThan(0)
    expect(missed + seen.length).toBe(1_500)
    expect(seen.at(-1)?.data.id).toBe(idOf(1_500))
    await stream.leave()
  })

  it('ends the stream when the write keys close, with all that was decided', async () => {
    const { keys, send, openStream } = await setUp()
    const stream = await openStream()
    await send()
    await keys.close()
    expect(await stream.read(1)).toMatchObject([{ event: 'decision', data: { id: idOf(1) } }])
    expect(await stream.isDone()).toBe(true)
  })

  it('needs a token, and refuses filters that it does not know', async () => {
    const { call } = await setUp()
    expect((await call('GET', path, { token: null })).status).toBe(401)
    expect((await call('GET', path, { token: viewerToken })).status).toBe(200)
    expect((await call('GET', `${path}?outcome=maybe`)).body).toMatchObject({ status: 422, field: 'outcome' })
    expect((await call('GET', `${path}?reason=bored`)).body).toMatchObject({ status: 422, field: 'reason' })
    expect((await call('GET', `${path}?key=wk_1`)).body).toMatchObject({ status: 422, field: 'key' })
  })
})

describe('anomalies', () => {
  it('are listed with what they are about', async () => {
    const { call, keys, time } = await setUp()
    const server = await keys.create({ name: 'Backend', sourceType: 'server' })
    await keys.verify({
      method: 'POST',
      path: '/v1/track',
      headers: { authorization: `Basic ${btoa(`${server.key}:`)}`, origin: 'https://app.example.com' },
      body: { event: 'x' },
    })
    const { body } = await call('GET', '/api/v1/events/anomalies')
    const at = new Date(time.now).toISOString()
    expect(body.data).toEqual([
      {
        id: `server_key_in_browser:${server.writeKey.id}:https://app.example.com`,
        kind: 'server_key_in_browser',
        key_id: server.writeKey.id,
        key: {
          name: 'Backend',
          environment: 'production',
          workspace: null,
          source_type: 'server',
          start: server.key.slice(0, 12),
        },
        first_at: at,
        last_at: at,
        count: 1,
        origin: 'https://app.example.com',
        address: null,
        secret_id: null,
        secret_at: null,
        observed: null,
        expected: null,
      },
    ])
    expect((await call('GET', '/api/v1/events/anomalies?key_id=wk_other')).body.data).toEqual([])
  })
})

describe('problems', () => {
  const refusedFrom = (secret: string, origin: string, address: string) => ({
    method: 'POST',
    path: '/v1/track',
    headers: { authorization: `Basic ${btoa(`${secret}:`)}`, origin },
    ip: address,
    body: { event: 'Signed Up' },
  })

  it('count refusals that are alike, with the key, the advice and the trend', async () => {
    const { call, keys, time } = await setUp()
    const { key, writeKey } = await keys.create({
      name: 'Shop',
      sourceType: 'web',
      allowedOrigins: ['https://shop.example'],
    })
    const first = time.now
    for (let count = 0; count < 3; count++) {
      await keys.verify(refusedFrom(key, 'https://new.shop.example', '203.0.113.7'))
      time.now += 1_000
    }
    await keys.verify(refusedFrom(key, 'https://other.example', '203.0.113.7'))
    await keys.verify(refusedFrom('sk_live_mistyped', 'https://other.example', '203.0.113.9'))
    const { status, body } = await call('GET', `/api/v1/events/problems?key_id=${writeKey.id}`)
    expect(status).toBe(200)
    expect(body.data).toHaveLength(2)
    expect(body.data[1]).toMatchObject({
      reason: 'origin_not_allowed',
      key_id: writeKey.id,
      key: { name: 'Shop', environment: 'production', start: key.slice(0, 12) },
      origin: 'https://new.shop.example',
      address: '203.0.113.7',
      count: 3,
      first_at: new Date(first).toISOString(),
      last_at: new Date(first + 2_000).toISOString(),
      last_hour: 3,
      hour_before: 0,
      trend: 'new',
      rest: false,
    })
    expect(body.data[1].advice).toMatch(/origin/i)
    const ofNobody = await call('GET', '/api/v1/events/problems?reason=malformed_key')
    expect(ofNobody.body.data).toMatchObject([{ key_id: null, key: null, address: '203.0.113.9', count: 1 }])
    expect((await call('GET', '/api/v1/events/problems', { token: null })).status).toBe(401)
  })

  it('of a flood of addresses take some places, and none from another sender', async () => {
    const { call, keys } = await setUp()
    const { key } = await keys.create({ name: 'Shop', sourceType: 'web', allowedOrigins: [] })
    for (let count = 0; count < 2; count++)
      await keys.verify(refusedFrom(key, 'https://quiet.example', '203.0.113.7'))
    for (let index = 0; index < 3_000; index++) {
      const address = `198.51.${index >> 8}.${index & 255}`
      await keys.verify(refusedFrom(key, 'https://flood.example', address))
    }
    const { data } = (await call('GET', '/api/v1/events/problems?limit=100')).body
    expect(data.length).toBeLessThan(40)
    expect(data.reduce((sum: number, { count }: { count: number }) => sum + count, 0)).toBe(3_002)
    expect(data).toContainEqual(expect.objectContaining({ origin: 'https://quiet.example', count: 2 }))
    expect(data).toContainEqual(expect.objectContaining({ rest: true, origin: null, address: null }))
  })
})

describe('a test event', () => {
  const send = (secret: string, headers: Record<string, string>) => ({
    method: 'POST',
    path: '/v1/track',
    headers: { authorization: `Basic ${btoa(`${secret}:`)}`, 'x-writekey-test': '1', ...headers },
    body: { event: 'Test Event' },
  })

  it('of the page raises no alarm, and is marked', async () => {
    const { call, keys } = await setUp()
    const server = await keys.create({ name: 'Backend', sourceType: 'server' })
    await keys.verify(send(server.key, { origin: 'https://events.example', host: 'events.example' }))
    expect((await call('GET', '/api/v1/events/anomalies')).body.data).toEqual([])
    expect((await call('GET', path)).body.data).toMatchObject([{ test: true, verdict: 'accepted' }])
  })

  it('is none on a page of another host: whoever copies the key copies the header', async () => {
    const { call, keys } = await setUp()
    const server = await keys.create({ name: 'Backend', sourceType: 'server' })
    await keys.verify(send(server.key, { origin: 'https://thief.example', host: 'events.example' }))
    const { data } = (await call('GET', '/api/v1/events/anomalies')).body
    expect(data).toMatchObject([{ kind: 'server_key_in_browser' }])
    expect((await call('GET', path)).body.data).toMatchObject([{ test: false }])
  })
})

describe('the session', () => {
  it('says who a token belongs to and what it may do', async () => {
    const { call } = await setUp()
    expect((await call('GET', '/api/v1/events/session', { token: viewerToken })).body).toEqual({
      name: 'board',
      role: 'viewer',
      workspace: null,
    })
    expect((await call('GET', '/api/v1/events/session', { token: null })).status).toBe(401)
  })
})

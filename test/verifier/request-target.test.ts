import { describe, expect, it } from 'vitest'
import { createWriteKeys, type IngestRequestInit, type WriteKeyEvent } from '../../src/index.ts'
import { basic } from '../../src/testing/adapter/golden/golden-request.ts'

async function setUp() {
  const events: WriteKeyEvent[] = []
  const warned: string[] = []
  const keys = createWriteKeys({
    onEvent: (event) => events.push(event),
    logger: { error() {}, warn: (_, message) => warned.push(message) },
  })
  const { key } = await keys.create({ name: 'Web App', sourceType: 'web' })
  const headers = { authorization: basic(key), origin: 'https://app.example.com' }
  const verify = (changes: Partial<IngestRequestInit>) =>
    keys.verify({ method: 'POST', path: '/v1/track', headers, body: {}, ...changes })
  return { verify, events, warned }
}

describe('a path that names two types', () => {
  it('is refused, and warned of once with the fix', async () => {
    const { verify, events, warned } = await setUp()
    for (const path of ['/v1/identify/track', '/v1/page/t', '/v1/identify/track'])
      expect(await verify({ path })).toMatchObject({ reason: 'invalid_path', reply: { status: 400 } })
    expect(warned).toEqual([expect.stringMatching(/identify\/track.*eventType/)])
    expect(events.filter(({ type }) => type === 'ambiguous_path')).toEqual([
      { type: 'ambiguous_path', eventTypes: ['identify', 'track'] },
    ])
  })

  it('passes where the route says the type', async () => {
    const { verify, warned } = await setUp()
    for (const [eventType, said] of [
      ['page', 'page'],
      ['batch', null],
    ] as const)
      expect(await verify({ path: '/v1/page/track', eventType })).toMatchObject({ ok: true, eventType: said })
    expect(warned).toEqual([])
  })
})

describe('a target that routers read in different ways', () => {
  it('is refused even where the route says the type, and not warned of', async () => {
    const { verify, warned } = await setUp()
    for (const changes of [{ path: '/v1/track#/page' }, { query: 'x#/page' }, { path: '/v1/%C5%BFcreen' }])
      expect(await verify(changes)).toMatchObject({ reason: 'invalid_path' })
    expect(await verify({ path: '/v1/track;/page', eventType: 'page' })).toMatchObject({
      reason: 'invalid_path',
    })
    expect(warned).toEqual([])
  })

  it('is not one whose query looks so, or is parsed already', async () => {
    const { verify } = await setUp()
    for (const query of ['a=;\\/../%2f%00', '?%23', new URLSearchParams('a=%23'), { a: '#' }])
      expect(await verify({ query })).toMatchObject({ ok: true, eventType: 'track' })
  })

  it('is a fault of the caller where there is none', async () => {
    const { verify, events } = await setUp()
    for (const path of [undefined, 5, null]) {
      expect(await verify({ path } as unknown as IngestRequestInit)).toMatchObject({
        reason: 'internal_error',
      })
    }
    expect(events[0]).toMatchObject({ error: { message: expect.stringContaining('request.path') } })
  })
})

describe('the verdict', () => {
  it('tells the type in full, the address and the origin', async () => {
    const { verify } = await setUp()
    expect(await verify({ path: '/v1/T/', ip: '::ffff:192.0.2.7' })).toMatchObject({
      eventType: 'track',
      ip: '192.0.2.7',
      origin: 'https://app.example.com',
    })
    expect(await verify({ path: '/v1/batch', ip: 'unix' })).toMatchObject({ eventType: null, ip: undefined })
  })
})

describe('a request without events', () => {
  it.each(['GET', 'HEAD'])('has no body: %s', async (method) => {
    const { verify } = await setUp()
    expect(await verify({ method, body: undefined })).toMatchObject({ ok: true })
    expect(await verify({ method, body: { event: 'a' } })).toMatchObject({ reason: 'unexpected_body' })
  })
})

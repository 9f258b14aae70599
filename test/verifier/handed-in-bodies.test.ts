import { once } from 'node:events'
import { parse as parseForm } from 'node:querystring'
import { PassThrough, Readable } from 'node:stream'
import { runInNewContext } from 'node:vm'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createWriteKeys, type Verdict, type WriteKeyEvent } from '../../src/index.ts'
import { basic } from '../../src/testing/adapter/golden/golden-request.ts'

const event = { type: 'track', event: 'Signed Up' }
const text = JSON.stringify(event)
const bytes = Buffer.from(text)
const url = 'http://localhost/v1/track'

async function setUp(maxBodyBytes = 10_000) {
  const events: WriteKeyEvent[] = []
  const logged: string[] = []
  const keys = createWriteKeys({
    maxBodyBytes,
    onEvent: (told) => events.push(told),
    logger: { error: (details) => logged.push(String((details as { err?: unknown }).err)), warn() {} },
  })
  const { key } = await keys.create({ name: 'Web App', sourceType: 'web' })
  async function verify(
    body: unknown,
    headers: Record<string, string> = {},
    method = 'POST',
  ): Promise<Verdict> {
    return keys.verify({
      method,
      path: '/v1/track',
      headers: { authorization: basic(key), ...headers },
      body,
    })
  }
  return { verify, events, logged }
}

const readable: Record<string, () => unknown> = {
  'a plain object': () => ({ ...event }),
  'a list': () => [{ ...event }],
  'a plain object of another realm': () => runInNewContext(`(${text})`),
  'a Buffer': () => bytes,
  'a part of a Buffer': () => Buffer.concat([Buffer.from('xx'), bytes, Buffer.from('y')]).subarray(2, -1),
  'a Uint8Array': () => new Uint8Array(bytes),
  'a DataView': () => new DataView(new Uint8Array(bytes).buffer),
  'an Int8Array': () => new Int8Array(bytes),
  'a Uint8ClampedArray': () => new Uint8ClampedArray(bytes),
  'an ArrayBuffer': () => new Uint8Array(bytes).buffer,
  'a SharedArrayBuffer': () => {
    const shared = new SharedArrayBuffer(bytes.length)
    new Uint8Array(shared).set(bytes)
    return shared
  },
  'a text': () => text,
  'a Request': () => new Request(url, { method: 'POST', body: text }),
  'the body of a Request': () => new Request(url, { method: 'POST', body: text }).body,
  'request.json() that nobody has waited for': () => new Request(url, { method: 'POST', body: text }).json(),
  'request.text() that nobody has waited for': () => new Request(url, { method: 'POST', body: text }).text(),
  'request.arrayBuffer() that nobody has waited for': () =>
    new Request(url, { method: 'POST', body: text }).arrayBuffer(),
  'a Response': () => new Response(text),
  'a Blob': () => new Blob([text]),
  'a File': () => new File([text], 'event.json'),
  'a stream of the web': () => new Blob([text]).stream(),
  'a stream of Node': () => Readable.from([bytes.subarray(0, 9), bytes.subarray(9)], { objectMode: false }),
  'a PassThrough': () => new PassThrough().end(bytes),
  'an iteration of chunks': () =>
    (async function* () {
      yield text.slice(0, 9)
      yield bytes.subarray(9)
    })(),
  'something else with a then': () => ({
    // biome-ignore lint/suspicious/noThenProperty: as query builders and old promises have it
    then: (resolve: (value: unknown) => void) => resolve(text),
  }),
  'a promise of a Request': async () => new Request(url, { method: 'POST', body: text }),
  'a function that gives a stream': () => () => new Blob([text]).stream(),
}

class Tracked {
  type = 'track'
  event = 'Signed Up'
}

const unusable: Record<string, () => unknown> = {
  'a Map': () => new Map(Object.entries(event)),
  'a Set': () => new Set([event]),
  'a Date': () => new Date(),
  'a RegExp': () => /x/,
  'an Error': () => new Error('x'),
  'a class instance': () => new Tracked(),
  'a FormData': () => {
    const form = new FormData()
    form.set('type', 'track')
    return form
  },
  'a URLSearchParams': () => new URLSearchParams('type=track&event=Signed+Up'),
  "a form parser's object": () => parseForm('type=track&event=Signed+Up'),
  'an object without a prototype': () => Object.assign(Object.create(null), event),
  'an object with another as its prototype': () => Object.create(event),
  'a boxed text': () => new String(text),
  'what a function was called with': () =>
    (function called(..._: unknown[]) {
      // biome-ignore lint/complexity/noArguments: it is what is handed in
      return arguments
    })({ ...event }),
  'an object that can be iterated': () => ({ ...event, [Symbol.iterator]: () => [event].values() }),
  'a symbol': () => Symbol('body'),
  'a bigint': () => 5n,
  'a WeakMap': () => new WeakMap(),
  'a promise of a Map': async () => new Map(),
  'a promise that is rejected': async () => {
    throw new TypeError('Body is unusable')
  },
  'a function that gives a Map': () => () => new Map(),
  'a list of Maps': () => [new Map(Object.entries(event))],
  'a batch with an instance in it': () => ({ batch: [{ ...event }, new Tracked()] }),
  'a Request that was read': () => {
    const request = new Request(url, { method: 'POST', body: text })
    void request.text()
    return request
  },
  'a stream that somebody reads': () => {
    const stream = new Blob([text]).stream()
    stream.getReader()
    return stream
  },
  'a stream of objects': () => Readable.from([{ ...event }]),
  'an iteration of objects': () =>
    (async function* () {
      yield { ...event }
    })(),
}

describe('a body that is handed in', () => {
  it.each(Object.entries(readable))('is judged: %s', async (_, make) => {
    const { verify } = await setUp()
    expect(await verify(make())).toMatchObject({ ok: true, events: [event] })
  })

  it.each(Object.entries(unusable))('is refused as a fault of ours: %s', async (_, make) => {
    const { verify, events, logged } = await setUp()
    const verdict = await verify(make())
    expect(verdict).toMatchObject({ ok: false, reason: 'internal_error', reply: { status: 503 } })
    if (verdict.ok) throw new Error('accepted')
    expect(JSON.parse(verdict.reply.body).code).toBe('store_unavailable')
    expect(verdict.reply.headers['retry-after']).toBe('1')
    expect(events).toMatchObject([{ type: 'internal_error' }, { type: 'refused', reason: 'internal_error' }])
    expect(logged).toEqual([expect.stringMatching(/^UnusableBodyError: request\.body is /)])
    expect(verdict.reply.body).not.toContain('request.body')
  })

  it('is named in the event, and nothing of its content is', async () => {
    const { verify, logged } = await setUp()
    await verify(new Map([['sk_live_secret', 1]]))
    await verify(parseForm('sk_live_secret=1'))
    expect(logged[0]).toContain('an instance of Map')
    expect(logged[1]).toContain('form parsers')
    expect(logged.join()).not.toContain('sk_live')
  })

  it('is refused as no JSON where the sender wrote none', async () => {
    const { verify } = await setUp()
    const request = (body: string | null) => new Request(url, { method: 'POST', body })
    for (const body of [
      request('{'),
      request('').body,
      request('{').json(),
      request(null),
      new Blob([]),
      request('{').text(),
    ])
      expect(await verify(body)).toMatchObject({ reason: 'invalid_json' })
    for (const body of [5, true, [5], [[event]]])
      expect(await verify(body)).toMatchObject({ reason: 'invalid_event' })
  })

  it('is read no further than the limit', async () => {
    const { verify } = await setUp(1_000)
    let given = 0
    const endless = new ReadableStream({
      pull(controller) {
        given += 100
        controller.enqueue(new Uint8Array(100))
      },
    })
    expect(await verify(endless)).toMatchObject({ reason: 'payload_too_large' })
    expect(given).toBeLessThan(2_000)
    const large = 'x'.repeat(2_000)
    for (const body of [
      new Blob([large]),
      new Response(large),
      Readable.from([Buffer.from(large)], { objectMode: false }),
    ])
      expect(await verify(body)).toMatchObject({ reason: 'payload_too_large' })
  })

  it('is inflated as its coding says', async () => {
    const { verify } = await setUp()
    const gzip = { 'content-encoding': 'gzip' }
    for (const make of [
      () => new Blob([gzipSync(text)]),
      () => new Request(url, { method: 'POST', body: gzipSync(text) }),
    ])
      expect(await verify(make(), gzip)).toMatchObject({ ok: true, events: [event] })
  })

  it('is not read twice', async () => {
    const { verify } = await setUp()
    for (const body of [new Request(url, { method: 'POST', body: text }), new PassThrough().end(bytes)]) {
      expect(await verify(body)).toMatchObject({ ok: true })
      expect(await verify(body)).toMatchObject({ ok: false, reason: 'internal_error' })
    }
  })

  it('ends no process by a rejection that nobody waits for', async () => {
    const { verify } = await setUp()
    const rejections: unknown[] = []
    const note = (reason: unknown) => rejections.push(reason)
    process.on('unhandledRejection', note)
    const request = new Request(url, { method: 'POST', body: '{' })
    expect(await verify(request.json(), { authorization: 'Basic junk' })).toMatchObject({
      reason: 'malformed_key',
    })
    await new Promise((resolve) => setTimeout(resolve, 20))
    process.off('unhandledRejection', note)
    expect(rejections).toEqual([])
  })

  it('of a client that goes away is client_aborted', async () => {
    const { verify } = await setUp()
    const stream = new PassThrough()
    const verdict = verify(stream)
    stream.write('{')
    await once(stream, 'resume')
    stream.destroy()
    expect(await verdict).toMatchObject({ reason: 'client_aborted' })
  })

  it('never makes an event that the sender did not send', async () => {
    const { verify } = await setUp()
    // As it is once it has been written and read: JSON has no -0.
    const json = fc.jsonValue({ maxDepth: 2 }).map((value): unknown => JSON.parse(JSON.stringify(value)))
    const wraps: ((value: unknown) => unknown)[] = [
      (value) => value,
      (value) => JSON.stringify(value),
      (value) => Buffer.from(JSON.stringify(value) ?? ''),
      (value) => Promise.resolve(value),
      (value) => () => value,
      (value) => new Response(JSON.stringify(value)),
      (value) => new Map([['a', value]]),
      (value) => new Set([value]),
      (value) => Object.assign(Object.create(null), { a: value }),
      (value) => Object.assign(new Tracked(), { a: value }),
      (value) => [new Map([['a', value]])],
      (value) => ({ batch: [new Tracked(), value] }),
      // An object may have no way of becoming a text.
      (value) => Object(typeof value === 'object' && value !== null ? 'text' : String(value)),
    ]
    const anything = fc.anything({
      withDate: true,
      withMap: true,
      withSet: true,
      withNullPrototype: true,
      withTypedArray: true,
      withBigInt: true,
    })
    const body = fc.oneof(
      fc.tuple(json, fc.constantFrom(...wraps)).map(([value, wrap]) => ({ value, given: wrap(value) })),
      anything.map((value) => ({ value, given: value })),
    )
    await fc.assert(
      fc.asyncProperty(body, async ({ given, value }) => {
        const verdict = await verify(given)
        if (!verdict.ok) return
        for (const accepted of verdict.events) {
          const prototype = Object.getPrototypeOf(accepted) as unknown
          expect(prototype).toBe(Object.prototype)
          expect(eventsOf(value)).toContainEqual(accepted)
        }
      }),
      { numRuns: 1_500 },
    )
  })
})

/** What may be events of a value, less `writeKey`. */
function eventsOf(given: unknown): unknown[] {
  const value: unknown = typeof given === 'string' ? JSON.parse(given) : given
  const { batch } = value as { batch?: unknown }
  return [value, ...(Array.isArray(value) ? value : []), ...(Array.isArray(batch) ? batch : [])].map(
    (one) => {
      if (typeof one !== 'object' || one === null || Array.isArray(one)) return one
      const { writeKey: _, ...rest } = one as Record<string, unknown>
      return rest
    },
  )
}

describe('a GET', () => {
  it('may have whatever says that there is no body', async () => {
    const { verify } = await setUp()
    for (const body of [
      undefined,
      null,
      '',
      {},
      Buffer.alloc(0),
      () => bytes,
      new Request(url),
      Object.create(null),
    ])
      expect(await verify(body, {}, 'GET')).toMatchObject({ ok: true, events: [] })
    for (const body of [{ a: 1 }, [event], text, bytes, new Map(), 5, new Blob([text]), new Response(text)])
      expect(await verify(body, {}, 'GET')).toMatchObject({ ok: false, reason: 'unexpected_body' })
    for (const [name, value] of [
      ['content-length', '5'],
      ['Content-Length', '5'],
      ['content-length', 'x'],
      ['transfer-encoding', 'chunked'],
    ] as const)
      expect(await verify(undefined, { [name]: value }, 'HEAD')).toMatchObject({ reason: 'unexpected_body' })
    expect(await verify(undefined, { 'content-length': '0' }, 'HEAD')).toMatchObject({ ok: true })
  })
})

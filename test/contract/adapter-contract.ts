import { once } from 'node:events'
import { setImmediate as tick } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Refused, WriteKeyEvent, WriteKeys, WriteKeysOptions } from '../../src/index.ts'
import { generateSecret } from '../../src/keys/secret.ts'
import { signedUp } from './golden/answers.ts'
import { basic, type GoldenRequest, type SecretText } from './golden/golden-request.ts'
import { createGoldenServers } from './golden/servers.ts'
import { goldenRequests } from './golden-requests.ts'
import { createManualClock, type ManualClock } from './limiter-contract.ts'
import { createAnswerReader, openSocket, type RawAnswer, sendRaw, toWire } from './raw-http.ts'
import { realSenders } from './real-senders.ts'

/** What one test asks of a framework's server. */
export interface AdapterConfig {
  /** For `createWriteKeys`, or what the framework's module takes in its place. */
  options: WriteKeysOptions
  /** For the middleware or guard. */
  adapter: { eventType?: string; onRefused?: (refused: Refused) => unknown; requestProperty?: string }
  /** Whether the framework's JSON parser runs before verification. */
  parsesBody: boolean
  /** Whether the middleware is mounted twice, one behind the other (a guard: on the controller and on the route). */
  mountedTwice: boolean
  /** Whether the handler throws an error instead of answering, after noting what it was handed. */
  handlerThrows: boolean
}

/** What a handler was handed. */
export interface Handled {
  writeKeyId: string
  events: readonly unknown[]
  body: unknown
}

/** A running server of some framework. */
export interface AdapterServer {
  /** `http://127.0.0.1:PORT` */
  url: string
  /** The write keys that verify. */
  keys: WriteKeys
  /** What handlers were handed so far, oldest first. */
  handled(): readonly Handled[]
  /** Stops the server, whatever connections are open. */
  close(): Promise<void>
}

/**
 * Starts a server of the framework on 127.0.0.1, port 0, with the adapter in front of everything under `/v1`. Its one
 * handler serves every path under `/v1` and every method, notes what it was handed, and answers 200 with
 * `{"success":true,"accepted":N}`.
 */
export type StartAdapter = (config: AdapterConfig) => Promise<AdapterServer>

/** Midday of 15 January 2026. */
const frozenAt = Date.UTC(2026, 0, 15, 12)
const hourMs = 3_600_000
const ignoredHeaders = [
  'date',
  'connection',
  'keep-alive',
  'content-length',
  'transfer-encoding',
  'x-powered-by',
  'etag',
]
const trackBody = JSON.stringify(signedUp)

/** Golden requests, by name, that a framework refuses with 400 before anything of ours runs, and why. */
export interface FrameworkRefusals {
  /** Refused by its router. */
  byRouter?: Readonly<Record<string, string>>
  /** Refused by its JSON parser. */
  byParser?: Readonly<Record<string, string>>
  /** Golden requests whose target a URL parser has made another one, and which: the adapter judges what the router sees. */
  folded?: Readonly<Record<string, string>>
  /** Whether the adapter has a say in what becomes of the connection. Default true. */
  ownsConnection?: boolean
  /** Whether the framework leaves `100 Continue` to who reads the body, so that a refused client is never told to send it. */
  continuesLate?: boolean
}

/** What every adapter does. `start` is called many times, also for servers that run side by side. */
export function adapterContract(
  name: string,
  start: StartAdapter,
  {
    byRouter = {},
    byParser = {},
    folded = {},
    ownsConnection = true,
    continuesLate = false,
  }: FrameworkRefusals = {},
): void {
  const running: AdapterServer[] = []
  const rejections: unknown[] = []
  const noteRejection = (reason: unknown) => rejections.push(reason)

  async function launch(config: Partial<AdapterConfig> = {}): Promise<AdapterServer> {
    const server = await start({
      options: {},
      adapter: {},
      parsesBody: false,
      mountedTwice: false,
      handlerThrows: false,
      ...config,
    })
    running.push(server)
    return server
  }

  async function closeAll(): Promise<void> {
    await Promise.all(running.splice(0).map((server) => server.close()))
  }

  describe(name, () => {
    beforeAll(() => {
      process.on('unhandledRejection', noteRejection)
    })
    afterAll(() => {
      process.off('unhandledRejection', noteRejection)
      expect(rejections).toEqual([])
    })

    describe.each([
      { when: 'reading bodies itself', parsesBody: false, requests: goldenRequests },
      { when: 'behind a JSON parser', parsesBody: true, requests: goldenRequests.filter(isReadByParsers) },
    ])('$when', ({ parsesBody, requests }) => {
      const servers = new Map<string, Promise<{ server: AdapterServer; clock: ManualClock }>>()

      function serverFor(request: GoldenRequest): Promise<{ server: AdapterServer; clock: ManualClock }> {
        const serverName = request.server ?? 'standard'
        let launched = servers.get(serverName)
        if (launched === undefined) {
          launched = launchGolden(serverName)
          servers.set(serverName, launched)
        }
        return launched
      }

      async function launchGolden(
        serverName: string,
      ): Promise<{ server: AdapterServer; clock: ManualClock }> {
        const golden = createGoldenServers()[serverName]
        if (golden === undefined) throw new Error(`no golden server is called ${serverName}`)
        const clock = createManualClock(frozenAt)
        const server = await launch({ options: { ...golden.options, clock }, parsesBody })
        await golden.prepare?.(server.keys)
        return { server, clock }
      }

      afterAll(closeAll)

      it.each(requests.map((request) => [request.name, request] as const))('%s', async (_, request) => {
        const { server, clock } = await serverFor(request)
        const { secret, keyId } = await bringIntoState(server.keys, clock, request)
        const before = server.handled().length
        const answer = await sendRaw(server.url, toBytes(request, secret), request.method)
        if (request.name in byRouter || (parsesBody && request.name in byParser)) {
          expect(answer.status).toBe(400)
          expect(server.handled()).toHaveLength(before)
          return
        }
        if (request.name in folded) {
          expect(answer.status).not.toBe(500)
          return
        }
        expect(answer).toEqual(expectedAnswer(request, answer, !parsesBody && ownsConnection))
        const handled = server.handled().slice(before)
        expect(handled.map(({ writeKeyId, events }) => ({ writeKeyId, events }))).toEqual(
          request.handled === undefined ? [] : [{ writeKeyId: keyId, events: request.handled }],
        )
      })
    })

    describe('with senders as installed', () => realSenders(launch, closeAll))

    describe('on a connection', () => {
      afterEach(closeAll)

      async function launchWithKey(config: Partial<AdapterConfig> = {}, rateLimitEps: number | null = null) {
        const server = await launch(config)
        const created = await server.keys.create({ name: 'Web App', sourceType: 'web', rateLimitEps })
        return { ...server, key: created.key, keyId: created.writeKey.id }
      }

      const track = (key: string, headers: readonly string[] = [], body: string | Uint8Array = trackBody) =>
        toWire(
          'POST /v1/track HTTP/1.1',
          [
            'Host: localhost',
            `Authorization: ${basic(key)}`,
            'Content-Type: application/json',
            `Content-Length: ${Buffer.byteLength(body)}`,
            ...headers,
          ],
          body,
        )

      it('never mixes up the answers to pipelined requests', async () => {
        const { url, key, handled } = await launchWithKey()
        const socket = await openSocket(url)
        const readAnswer = createAnswerReader(socket)
        const get = (authorization: string) =>
          toWire('GET /v1/track HTTP/1.1', ['Host: localhost', `Authorization: ${authorization}`])
        socket.write(
          Buffer.concat(
            Array.from({ length: 100 }, () => [get(basic(key)), get(basic('sk_live_nonsense'))]).flat(),
          ),
        )
        const statuses: number[] = []
        for (let count = 0; count < 200; count++) statuses.push((await readAnswer()).status)
        socket.destroy()
        expect(statuses).toEqual(Array.from({ length: 100 }, () => [200, 401]).flat())
        expect(handled()).toHaveLength(100)
      })

      it.each([
        ['a folded header', 'Authorization: Basic\r\n AAAA'],
        ['a space before the colon', 'Authorization : Basic AAAA'],
        ['a bare LF in a value', 'Authorization: Basic\nAAAA'],
        ['a bare CR in a value', 'Authorization: Basic\rAAAA'],
        ['a NUL in a value', 'Authorization: Basic \0AAAA'],
        ['17 KB of headers', `Authorization: Basic ${'A'.repeat(17_000)}`],
        ['two content lengths', 'Content-Length: 3'],
        ['a negative content length', 'Content-Length: -1'],
        ['a length beside a transfer coding', 'Transfer-Encoding: chunked'],
      ])('leaves %s to the server to refuse', async (_, line) => {
        const { url, key, handled } = await launchWithKey()
        const smuggled = toWire(
          'POST /v1/track HTTP/1.1',
          ['Host: localhost', 'Content-Length: 2', line],
          '{}',
        )
        const { status } = await sendRaw(url, smuggled)
        expect([400, 401, 431]).toContain(status)
        expect(handled()).toEqual([])
        expect((await sendRaw(url, track(key))).status).toBe(200)
      })

      it.each(['half of its body has come', 'none of its body has come'])(
        'does not run the handler when the client leaves while %s',
        async (when) => {
          const events: WriteKeyEvent[] = []
          const refused: Refused[] = []
          const { url, key, keys, keyId, handled } = await launchWithKey({
            options: { onEvent: (event) => events.push(event) },
            adapter: { onRefused: (refusal) => refused.push(refusal) },
          })
          const bytes = track(key)
          const socket = await openSocket(url)
          socket.write(bytes.subarray(0, when.startsWith('half') ? -20 : -trackBody.length))
          await new Promise((resolve) => setTimeout(resolve, 30))
          socket.destroy()
          await waitFor(() => events.length > 0)
          expect(events).toMatchObject([{ type: 'refused', reason: 'client_aborted', keyId }])
          expect(refused).toEqual([])
          expect(handled()).toEqual([])
          expect((await sendRaw(url, bytes)).status).toBe(200)
          // It was refused nothing.
          expect(await keys.usage(keyId)).toMatchObject({ acceptedTotal: 1, refusedTotal: 0 })
        },
      )

      it.each([
        ['revoked', (keys: WriteKeys, id: string) => keys.revoke(id)],
        ['removed', (keys: WriteKeys, id: string) => keys.remove(id)],
      ])('starts no handler for a key that was %s while its body arrived', async (_, end) => {
        const { url, key, keyId, keys, handled } = await launchWithKey()
        const half = Math.floor(trackBody.length / 2)
        const socket = await openSocket(url)
        try {
          socket.write(
            toWire(
              'POST /v1/track HTTP/1.1',
              ['Host: x', `Authorization: ${basic(key)}`, `Content-Length: ${trackBody.length}`],
              trackBody.slice(0, half),
            ),
          )
          // Until the server has begun to read.
          await new Promise((resolve) => setTimeout(resolve, 50))
          await end(keys, keyId)
          socket.write(trackBody.slice(half))
          expect((await createAnswerReader(socket)()).status).toBe(401)
        } finally {
          socket.destroy()
        }
        expect(handled()).toEqual([])
      })

      it('does not ask for a key in a body that the client has cut off', async () => {
        const events: WriteKeyEvent[] = []
        const { url, key, handled } = await launchWithKey({
          options: { credentials: 'body', onEvent: (event) => events.push(event) },
        })
        const body = JSON.stringify({ ...signedUp, writeKey: key })
        const socket = await openSocket(url)
        socket.write(toWire('POST /v1/track HTTP/1.1', ['Host: localhost', `Content-Length: ${body.length}`]))
        socket.write(body.slice(0, -5))
        await new Promise((resolve) => setTimeout(resolve, 30))
        socket.destroy()
        await waitFor(() => events.length > 0)
        expect(events).toEqual([expect.objectContaining({ type: 'refused', reason: 'client_aborted' })])
        expect(events[0]).not.toHaveProperty('keyId')
        expect(handled()).toEqual([])
      })

      it('answers a body cut off by its chunked framing with 400 or not at all', async () => {
        const { url, key, handled } = await launchWithKey()
        const head = ['Host: localhost', `Authorization: ${basic(key)}`, 'Transfer-Encoding: chunked']
        const status = await sendRaw(
          url,
          toWire('POST /v1/track HTTP/1.1', head, 'zz\r\n{}\r\n0\r\n\r\n'),
        ).then(
          (answer) => answer.status,
          () => 'none',
        )
        expect([400, 'none']).toContain(status)
        expect(handled()).toEqual([])
      })

      it('serves 200 refused requests, whose bodies come late, on one connection', async () => {
        const { url, key, handled } = await launchWithKey()
        const socket = await openSocket(url)
        // Or the system would wait 40 ms for one more small piece to send with the last one.
        socket.setNoDelay(true)
        const readAnswer = createAnswerReader(socket)
        const bytes = track('sk_live_nonsense')
        for (let count = 0; count < 200; count++) {
          socket.write(bytes.subarray(0, -trackBody.length))
          const { status, headers } = await readAnswer()
          expect(status).toBe(401)
          expect(headers.connection).not.toBe('close')
          socket.write(trackBody)
        }
        socket.write(track(key))
        expect((await readAnswer()).status).toBe(200)
        expect(handled()).toHaveLength(1)
        socket.destroy()
      })

      it('keeps the connection of a refused client that has been told to continue', async () => {
        const { url, key } = await launchWithKey()
        const socket = await openSocket(url)
        const readAnswer = createAnswerReader(socket)
        socket.write(track('sk_live_nonsense', ['Expect: 100-continue']))
        const { status, headers } = await readAnswer()
        expect(status).toBe(401)
        if (continuesLate) expect(headers.connection).toBe('close')
        else {
          expect(headers.connection).not.toBe('close')
          socket.write(track(key))
          expect((await readAnswer()).status).toBe(200)
        }
        socket.destroy()
      })

      it('takes 100 requests at once', async () => {
        const { url, key, handled } = await launchWithKey()
        const answers = await Promise.all(Array.from({ length: 100 }, () => sendRaw(url, track(key))))
        expect(answers.map((answer) => answer.status)).toEqual(Array.from({ length: 100 }, () => 200))
        expect(handled()).toHaveLength(100)
      })

      it('continues a request that waits for 100 Continue', async () => {
        const { url, key, handled } = await launchWithKey()
        const socket = await openSocket(url)
        const readAnswer = createAnswerReader(socket)
        const bytes = track(key, ['Expect: 100-continue'])
        socket.write(bytes.subarray(0, -trackBody.length))
        await once(socket, 'data')
        socket.write(trackBody)
        expect((await readAnswer()).status).toBe(200)
        socket.destroy()
        expect(handled()).toHaveLength(1)
      })

      it('hands the body on as the event, too, less the write key', async () => {
        const { url, key, handled } = await launchWithKey()
        await sendRaw(url, track(key, [], JSON.stringify({ ...signedUp, writeKey: key })))
        expect(handled()).toMatchObject([{ body: signedUp, events: [signedUp] }])
      })

      it('charges and reports once when mounted twice', async () => {
        const events: WriteKeyEvent[] = []
        const options = {
          clock: createManualClock(frozenAt),
          onEvent: (event: WriteKeyEvent) => events.push(event),
        }
        const { url, key, handled } = await launchWithKey({ mountedTwice: true, options }, 5)
        const answer = await sendRaw(url, track(key))
        expect(answer.status).toBe(200)
        expect(answer.headers['x-ratelimit-remaining']).toBe('4')
        expect(handled()).toMatchObject([{ events: [signedUp] }])
        expect(events).toMatchObject([{ type: 'accepted', events: 1 }])
      })

      it('reads a compressed body once when mounted twice', async () => {
        const { url, key, handled } = await launchWithKey({ mountedTwice: true })
        const answer = await sendRaw(url, track(key, ['Content-Encoding: gzip'], gzipSync(trackBody)))
        expect(answer.status).toBe(200)
        expect(handled()).toMatchObject([{ events: [signedUp] }])
      })

      it('refuses once when mounted twice', async () => {
        const events: WriteKeyEvent[] = []
        const options = { onEvent: (event: WriteKeyEvent) => events.push(event) }
        const { url, handled } = await launchWithKey({ mountedTwice: true, options })
        const answer = await sendRaw(url, track(generateSecret('sk_live_')))
        expect(answer.status).toBe(401)
        expect(handled()).toEqual([])
        expect(events).toMatchObject([{ type: 'refused', reason: 'unknown_key' }])
      })

      it('leaves the answer to a failing handler readable for browsers', async () => {
        const { url, key, handled } = await launchWithKey({ handlerThrows: true }, 5)
        const { status, headers } = await sendRaw(url, track(key, ['Origin: https://app.example.com']))
        expect(status).toBe(500)
        expect(headers['access-control-allow-origin']).toBe('*')
        expect(headers['access-control-expose-headers']).toContain('Retry-After')
        expect(headers.vary?.toLowerCase().split(/, */)).toContain('origin')
        expect(headers['x-ratelimit-remaining']).toBe('4')
        expect(handled()).toHaveLength(1)
        // Charged all the same: the sender comes back with it, at the rate it may.
        expect((await sendRaw(url, track(key))).headers['x-ratelimit-limit']).toBe('5')
      })

      it('says the type of a route that its path does not say', async () => {
        const { url, keys, handled } = await launch({ adapter: { eventType: 'page' } })
        const { key } = await keys.create({ name: 'Pages', sourceType: 'web', allowedEventTypes: ['page'] })
        const post = (body: unknown) =>
          sendRaw(
            url,
            toWire(
              'POST /v1/hook HTTP/1.1',
              [
                'Host: localhost',
                `Authorization: ${basic(key)}`,
                `Content-Length: ${Buffer.byteLength(JSON.stringify(body))}`,
              ],
              JSON.stringify(body),
            ),
          )
        expect((await post({ name: 'Home' })).status).toBe(200)
        expect((await post({ name: 'Home', type: 'page' })).status).toBe(200)
        const mismatch = await post({ type: 'track' })
        expect(mismatch.status).toBe(400)
        expect(JSON.parse(mismatch.body).code).toBe('event_type_mismatch')
        expect(handled()).toHaveLength(2)
      })

      it('puts what it found under the name it was given', async () => {
        const { url, key, handled } = await launchWithKey({ adapter: { requestProperty: 'sender' } })
        expect((await sendRaw(url, track(key))).status).toBe(200)
        expect(handled()).toMatchObject([{ events: [signedUp] }])
      })

      it('tells onRefused why, and answers as usual', async () => {
        const told: Refused[] = []
        const { url, handled } = await launchWithKey({
          adapter: { onRefused: (refused) => told.push(refused) },
        })
        const answer = await sendRaw(url, track(generateSecret('sk_live_')))
        expect(answer.status).toBe(401)
        expect(told.map((refused) => refused.reason)).toEqual(['unknown_key'])
        expect(handled()).toEqual([])
      })

      it.each([
        [
          'throws',
          () => {
            throw new Error('no')
          },
        ],
        ['rejects', () => Promise.reject(new Error('no'))],
      ])('answers as usual when onRefused %s', async (_, onRefused) => {
        const { url, key, handled } = await launchWithKey({ adapter: { onRefused } })
        expect((await sendRaw(url, track('sk_live_nonsense'))).status).toBe(401)
        expect((await sendRaw(url, track(key))).status).toBe(200)
        expect(handled()).toHaveLength(1)
      })

      it('does not tell onRefused of preflights and accepted requests', async () => {
        const told: Refused[] = []
        const { url, key } = await launchWithKey({ adapter: { onRefused: (refused) => told.push(refused) } })
        const preflight = [
          'Host: localhost',
          'Origin: https://a.example',
          'Access-Control-Request-Method: POST',
        ]
        expect((await sendRaw(url, toWire('OPTIONS /v1/track HTTP/1.1', preflight))).status).toBe(204)
        expect((await sendRaw(url, track(key))).status).toBe(200)
        expect(told).toEqual([])
      })

      it('gives the same bytes for every cause of 401', async () => {
        const { url, keys } = await launch()
        const bodies = new Set<string>()
        for (const state of [
          'unknown',
          'revoked',
          'removed',
          'expired',
          'other environment',
          'grace over',
        ] as const) {
          const clock = createManualClock(frozenAt)
          const { url: ownUrl, keys: ownKeys } = await launch({ options: { clock } })
          const { secret } = await bringIntoState(ownKeys, clock, { state })
          bodies.add(comparable(await sendRaw(ownUrl, track(secret))))
        }
        bodies.add(comparable(await sendRaw(url, track('sk_live_nonsense'))))
        bodies.add(
          comparable(
            await sendRaw(
              url,
              toWire('POST /v1/track HTTP/1.1', ['Host: localhost', 'Content-Length: 2'], '{}'),
            ),
          ),
        )
        expect(await keys.list()).toMatchObject({ data: [] })
        expect(bodies.size).toBe(1)
      })

      it('refuses with 503 once the keys are closed', async () => {
        const { url, key, keys, handled } = await launchWithKey()
        await keys.close()
        expect((await sendRaw(url, track(key))).status).toBe(503)
        expect(handled()).toEqual([])
      })
    })
  })
}

/** Whether a framework's JSON parser takes the body as our reader would, so that the answer is the same behind it. */
function isReadByParsers(request: GoldenRequest): boolean {
  const { body, contentType, headers = [], chunked = false, method = 'POST' } = request
  if (method !== 'POST' || contentType !== undefined || chunked || request.server === 'small limits')
    return false
  if (headers.some((line) => typeof line === 'string' && /^content-encoding/i.test(line))) return false
  if (body === undefined || typeof body === 'function') return true
  if (typeof body !== 'string' || body.length > 50_000) return false
  // Parsers refuse, or strip, an own __proto__ in ways of their own.
  return /^[[{]/.test(body) && isJson(body) && !body.includes('__proto__')
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

async function bringIntoState(
  keys: WriteKeys,
  clock: ManualClock,
  { key: fields, state = 'active', spent = 0 }: Partial<GoldenRequest>,
): Promise<{ secret: string; keyId: string | undefined }> {
  if (state === 'unknown') return { secret: generateSecret('sk_live_'), keyId: undefined }
  const input = { name: 'Web App', sourceType: 'web' as const, ...fields }
  const pastMs = state === 'in grace' ? 2 * hourMs : 48 * hourMs
  clock.advanceWallClock(-pastMs)
  const expiresAt = state === 'expired' ? clock.now() + hourMs : (fields?.expiresAt ?? null)
  const environment = state === 'other environment' ? 'staging' : (fields?.environment ?? 'production')
  const { key, writeKey } = await keys.create({ ...input, expiresAt, environment })
  clock.advanceWallClock(hourMs)
  let secret = key
  if (state === 'revoked') await keys.revoke(writeKey.id)
  if (state === 'removed') await keys.remove(writeKey.id)
  if (state === 'in grace' || state === 'grace over') await keys.rotate(writeKey.id)
  if (state === 'rotated') secret = (await keys.rotate(writeKey.id)).key
  clock.advanceWallClock(pastMs - hourMs)
  if (spent > 0) {
    const body = Array.from({ length: spent }, () => ({}))
    const verdict = await keys.verify({
      method: 'POST',
      path: '/',
      headers: { authorization: basic(secret) },
      body,
    })
    expect(verdict.ok).toBe(true)
  }
  return { secret, keyId: writeKey.id }
}

function toBytes(request: GoldenRequest, secret: string): Buffer {
  const fill = (text: SecretText) => (typeof text === 'string' ? text : text(secret))
  const given = request.body === undefined ? trackBody : request.body
  const body = given === null ? null : Buffer.from(typeof given === 'object' ? given : fill(given))
  const contentType = request.contentType === undefined ? 'application/json' : request.contentType
  const lines = [
    'Host: localhost',
    ...(request.authorization ?? [basic]).map((value) => `Authorization: ${fill(value)}`),
    ...(contentType === null ? [] : [`Content-Type: ${contentType}`]),
    ...(request.headers ?? []).map(fill),
  ]
  const start = `${request.method ?? 'POST'} ${fill(request.path ?? '/v1/track')} HTTP/1.1`
  if (body === null) return toWire(start, lines)
  if (request.chunked !== true) return toWire(start, [...lines, `Content-Length: ${body.length}`], body)
  const chunks = Buffer.concat([
    Buffer.from(`${body.length.toString(16)}\r\n`),
    body,
    Buffer.from('\r\n0\r\n\r\n'),
  ])
  return toWire(start, [...lines, 'Transfer-Encoding: chunked'], chunks)
}

/** The whole answer as it has to be, with what is not compared taken over from the answer that came. */
function expectedAnswer(request: GoldenRequest, answer: RawAnswer, saysConnection: boolean): RawAnswer {
  const { status, headers, body, closes } = request.expected
  const taken = Object.entries(answer.headers).filter(([header]) => ignoredHeaders.includes(header))
  const connection = closes ? 'close' : 'keep-alive'
  return {
    status,
    headers: { ...headers, ...Object.fromEntries(taken), ...(saysConnection && { connection }) },
    body: request.method === 'HEAD' ? '' : body,
  }
}

/** An answer as text, less its date. */
function comparable({ status, headers: { date: _, ...headers }, body }: RawAnswer): string {
  return JSON.stringify({ status, headers, body })
}

async function waitFor(condition: () => boolean): Promise<void> {
  const giveUpAt = performance.now() + 5_000
  while (!condition()) {
    if (performance.now() > giveUpAt) throw new Error('waited in vain')
    await tick()
  }
}

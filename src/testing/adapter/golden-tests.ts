import { createManualClock, type ManualClock } from '../manual-clock.ts'
import type { TestHooks } from '../test-tools.ts'
import type { AdapterServer } from './adapter-harness.ts'
import { type AdapterSuite, frozenAt, trackBody } from './adapter-suite.ts'
import { basic, type GoldenRequest, type SecretText } from './golden/golden-request.ts'
import { goldenRequests } from './golden/golden-requests.ts'
import { createGoldenServers } from './golden/servers.ts'
import { bringIntoState } from './key-states.ts'
import { type RawAnswer, sendRaw, toWire } from './raw-http.ts'

const ignoredHeaders = [
  'date',
  'connection',
  'keep-alive',
  'content-length',
  'transfer-encoding',
  'x-powered-by',
  'etag',
]

/**
 * The part of the adapter contract that compares complete answers, byte for byte. Requests that name the same
 * server share it.
 */
export function goldenTests({ describe, it, afterAll }: TestHooks, suite: AdapterSuite): void {
  const { byRouter, byParser, folded, ownsConnection, launch, closeAll, expect } = suite
  for (const { when, parsesBody, requests } of [
    { when: 'reading bodies itself', parsesBody: false, requests: goldenRequests },
    { when: 'behind a JSON parser', parsesBody: true, requests: goldenRequests.filter(isReadByParsers) },
  ])
    describe(when, () => {
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

      for (const request of requests)
        it(request.name, async () => {
          const { server, clock } = await serverFor(request)
          const { secret, keyId } = await bringIntoState(server.keys, clock, request)
          const before = server.handled().length
          const answer = await sendRaw(server.url, toBytes(request, secret), request.method)
          if (request.name in byRouter || (parsesBody && request.name in byParser)) {
            expect([400, 431].includes(answer.status)).toBe(true)
            expect(server.handled().length).toBe(before)
            return
          }
          if (request.name in folded) {
            expect(answer.status === 500).toBe(false)
            return
          }
          expect(answer).toEqual(expectedAnswer(request, answer, !parsesBody && ownsConnection))
          const handled = server.handled().slice(before)
          expect(handled.map(({ writeKeyId, events }) => ({ writeKeyId, events }))).toEqual(
            request.handled === undefined ? [] : [{ writeKeyId: keyId, events: request.handled }],
          )
        })
    })
}

/**
 * Whether a framework's JSON parser reads the body as our reader would, so that the answer is the same after
 * it.
 */
function isReadByParsers(request: GoldenRequest): boolean {
  const { body, contentType, headers = [], chunked = false, method = 'POST' } = request
  if (method !== 'POST' || contentType !== undefined || chunked || request.server === 'small limits')
    return false
  if (headers.some((line) => typeof line === 'string' && /^content-encoding/i.test(line))) return false
  if (body === undefined || typeof body === 'function') return true
  if (typeof body !== 'string' || body.length > 50_000) return false
  // Parsers differ in how they refuse or strip an own __proto__.
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
function toBuffer(body: string | Uint8Array): Buffer {
  return typeof body === 'string' ? Buffer.from(body) : Buffer.from(body)
}

function toBytes(request: GoldenRequest, secret: string): Buffer {
  const fill = (text: SecretText) => (typeof text === 'string' ? text : text(secret))
  const given = request.body === undefined ? trackBody : request.body
  const body = given === null ? null : toBuffer(typeof given === 'function' ? given(secret) : given)
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

/** The complete expected answer. Headers that are not compared are copied from the received answer. */
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

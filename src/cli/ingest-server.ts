import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import {
  adminRoutes,
  type FetchHandler,
  ingestRoutes,
  setReplyHeaders,
  toIngestRequest,
  writeReply,
} from '../adapter/index.ts'
import type { CredentialSource, IngestEvent, VerifiedKey, WriteKeys } from '../index.ts'
import { createIngestApi } from '../ingest/index.ts'
import { withAddedPlaces } from './added-places.ts'
import type { SignInCode } from './sign-in-code.ts'

/** An accepted event with what the request said about it. */
export interface ReceivedEvent {
  key: VerifiedKey
  event: IngestEvent
}

export interface IngestServerOptions {
  keys: WriteKeys
  admin: FetchHandler
  signIn: Pick<SignInCode, 'handle'>
  /** Types of events beside the standard ones. */
  eventTypes: readonly string[]
  /** Where the paths of SDKs read keys beside where those SDKs put them. Default: nowhere. */
  credentials: CredentialSource | readonly CredentialSource[] | undefined
  /** Called with the accepted events of one request, before it is answered. */
  onEvents: (events: ReceivedEvent[]) => void
}

/** Last segments of the paths under `/v1/` that take events. */
const standardPaths = 'track t identify i page p screen s group g alias a batch b'.split(' ')

/** The parts of `health()` that a probe is told of. */
const probedParts = ['store', 'limiter', 'hints', 'cache', 'usage'] as const

const about = {
  name: 'writekey',
  description:
    'Accepts events behind a write key, sent as the user name of HTTP Basic authentication or where an SDK puts it.',
  ingest: [
    ...'track identify page screen group alias batch import'.split(' ').map((path) => `POST /v1/${path}`),
    'POST /beacon/v1/batch',
    'POST /e/:key',
  ],
  check: 'GET /v1/check',
  management: {
    page: '/events/write-keys',
    api: '/api/v1/events/write-keys',
    openapi: '/api/v1/openapi.json',
  },
  probes: { live: '/healthz', ready: '/readyz' },
}

/** An HTTP server with ingest, management API and page. Not listening yet. */
export function createIngestServer(options: IngestServerOptions): Server {
  const { keys, admin, signIn, eventTypes, credentials, onEvents } = options
  const paths = new Set([...standardPaths, ...eventTypes.map((type) => type.toLowerCase())])
  const manage = adminRoutes(admin)
  const ingest = ingestRoutes(
    withAddedPlaces(
      createIngestApi<IngestEvent>(keys, {
        onEvents: (events, { writeKey: key }) => onEvents(events.map((event) => ({ key, event }))),
      }),
      [credentials ?? []].flat(),
    ),
  )

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '/').split('?', 1)[0] as string
    if (path === '/') return answerJson(request, response, 200, about)
    if (path === '/healthz' || path === '/readyz') return answerProbe(request, response, path)
    const type = /^\/v1\/([^/]+)\/?$/.exec(path)?.[1]?.toLowerCase()
    if (type === undefined || !paths.has(type))
      return answerJson(request, response, 404, { error: 'not_found' })
    const neutral = toIngestRequest(request)
    const preflight = keys.preflight(neutral)
    if (preflight !== undefined) return writeReply(response, preflight)
    const verdict = await keys.verify(neutral)
    if (!verdict.ok) return writeReply(response, verdict.reply)
    setReplyHeaders(response, verdict.headers)
    const { eventType } = verdict
    onEvents(
      verdict.events.map((event) => ({
        key: verdict.writeKey,
        event: eventType === null || Object.hasOwn(event, 'type') ? event : { type: eventType, ...event },
      })),
    )
    answerJson(request, response, 200, { success: true, accepted: verdict.events.length })
  }

  /** Anybody may ask: what is wrong, which can name hosts and users, stays in the log. */
  async function answerProbe(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
  ): Promise<void> {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD')
      return answerJson(request, response, 405, { error: 'method_not_allowed' })
    }
    if (path === '/healthz') return answerJson(request, response, 200, { ok: true })
    const health = await keys.health()
    const parts = probedParts.map((part) => [part, { ok: health[part].ok }])
    answerJson(request, response, health.ok ? 200 : 503, { ok: health.ok, ...Object.fromEntries(parts) })
  }

  return createServer(
    // Slow senders may not hold a connection for ever.
    { requestTimeout: 60_000, headersTimeout: 30_000, keepAliveTimeout: 65_000 },
    (request, response) => {
      if (signIn.handle(request, response)) return
      manage(request, response, (error) => {
        if (error !== undefined) return fail(response)
        ingest(request, response, (failure) => {
          if (failure !== undefined) return fail(response)
          answer(request, response).catch(() => fail(response))
        })
      })
    },
  )
}

function answerJson(request: IncomingMessage, response: ServerResponse, status: number, body: object): void {
  const headers = { 'content-type': 'application/json', 'x-content-type-options': 'nosniff' }
  response.writeHead(status, { ...headers, 'cache-control': 'no-store' })
  response.end(request.method === 'HEAD' ? undefined : `${JSON.stringify(body)}\n`)
}

function fail(response: ServerResponse): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  response.writeHead(500, { 'content-type': 'application/json' }).end('{"error":"internal_error"}\n')
}

import {
  type AdapterOptions,
  answerAdmin,
  answerOnce,
  assertAdminApi,
  assertIngestApi,
  callback,
  createContext,
  type FetchHandler,
  type FetchRequestHints,
  type IngestEndpoints,
  isReset,
  keptNodeRequest,
  nodeBodyOf,
  nodeOf,
  openCount,
  PromisedHeaders,
  passedAs,
  pathBelow,
  type RouteOptions,
  readRouteOptions,
  rememberPassage,
  requireContext,
  resolveAdapterOptions,
  setWriteKey,
  tellRefused,
  toFetchIngestRequest,
  toResponse,
  type VerifyingKeys,
  verifyOnce,
  type WriteKeyContext,
  withAcceptedBody,
  withAcceptedHeaders,
  withoutCarriedKey,
} from '../src/adapter/index.ts'
import type { Refused } from '../src/index.ts'
import { type NodeRequest, nodeHints, refuse } from './fetch-on-node.ts'

/** Names of `Request`. */
const takenNames =
  'arrayBuffer|blob|body\\w*|bytes|cache|clone|credentials|destination|duplex|formData|headers|integrity|json|keepalive|method|mode|redirect|referrer\\w*|signal|text|url'

/**
 * What the option `ip` is called with: Bun's server, Deno's info, a Worker's environment, or whatever the
 * caller passes.
 */
export type AddressOf<Context> = (request: Request, context: Context) => string | undefined

/** Options of `writeKeyAuth`. `onRefused` may return a response of its own. */
export interface WriteKeyAuthOptions<Context = unknown>
  extends AdapterOptions<(refused: Refused, request: Request, context: Context) => unknown> {
  /**
   * The client's address, for IP rules and for telling floods apart. Must not be async. If it throws, or returns anything but a text or
   * nothing, the request gets 503. Default: unknown.
   */
  ip?: AddressOf<Context> | undefined
  /** Called with what a handler has thrown, which is answered with 500. Default: a warning of the process. */
  onError?: ((error: unknown, request: Request, context: Context) => unknown) | undefined
}

/** Answers an accepted request, whose body is the accepted events. What it returns must be a `Response`: anything else is answered with 500. */
export type Handler = (key: WriteKeyContext, request: Request) => Response | Promise<Response>

/**
 * Verifies a request and answers it: by the handler when its write key is good. `context` is passed to `ip`.
 */
export type WriteKeyAuth<Context> = (
  request: Request,
  handler: Handler,
  context?: Context,
) => Promise<Response>

/**
 * A guard for anything that uses `Request` and `Response`: Next route handlers, `Bun.serve`, `Deno.serve`,
 * Workers. A handler that throws is answered with 500, with the headers that let a browser read it.
 *
 * @throws ConfigError for bad options, at once.
 * @example
 * ```ts
 * const auth = writeKeyAuth(keys)
 * export const POST = (request: Request) =>
 *   auth(request, (key) => Response.json({ success: true, accepted: key.events.length }))
 * ```
 */
export function writeKeyAuth<Context = unknown>(
  keys: VerifyingKeys,
  options: WriteKeyAuthOptions<Context> = {},
): WriteKeyAuth<Context> {
  const { eventType, onRefused, requestProperty, workspaceOf } = resolveAdapterOptions(keys, options, {
    ownNames: ['ip', 'onError'],
    takenNames,
  })
  const { ip, onError = warn } = options
  callback()(ip, 'ip')
  callback()(onError, 'onError')

  return async function writeKeyAuth(request, handler, given) {
    // Before anybody asks for its headers, which are those of Node's request until then.
    const incoming = keptNodeRequest(request)
    const isNodes = nodeBodyOf(request, incoming) === 'unread'
    if (incoming === undefined) assertRequest(request)
    const context = given as Context
    const count = openCount(keys)
    const neutral = () => {
      const hints: FetchRequestHints = isNodes ? nodeHints(incoming as NodeRequest) : {}
      hints.ip = ip && (() => ip(request, context))
      hints.eventType = eventType
      hints.workspace = workspaceOf(request)
      hints.isReset = isReset((incoming ?? nodeOf(request)?.req)?.socket)
      return count.leave(toFetchIngestRequest(request, hints))
    }
    const preflight = request.method === 'OPTIONS' ? keys.preflight(neutral()) : undefined
    if (preflight !== undefined) return toResponse(preflight)

    const passed = passedAs(request, incoming)
    const verdict = await verifyOnce(passed, keys, neutral, eventType)
    if (!verdict.ok) {
      let own: unknown
      if (onRefused !== undefined && verdict.reason !== 'client_aborted')
        await tellRefused(async () => {
          own = await onRefused(verdict, request, context)
        })
      const readElsewhere = isNodes ? undefined : incoming
      return refuse(request, verdict.reply, readElsewhere, own instanceof Response ? own : undefined)
    }
    const shown = withoutCarriedKey(request, verdict.carried)
    const accepted =
      verdict.body === undefined ? shown : withAcceptedBody(shown, JSON.stringify(verdict.body), isNodes)
    const headers = new PromisedHeaders()
    const key = createContext(accepted, verdict, keys, eventType, passed, headers)
    rememberPassage(accepted)
    setWriteKey(accepted, requestProperty, key)
    try {
      const answered = await handler(key, accepted)
      return headers.areTakenBack ? answered : withAcceptedHeaders(answered, verdict.headers)
    } catch (error) {
      await tellRefused(() => onError(error, request, context))
      return withAcceptedHeaders(failed(), verdict.headers)
    } finally {
      count.close()
    }
  }
}

/** Frameworks have requests of their own, and some have a `Request` on one runtime alone. */
function assertRequest(request: Request): void {
  if (typeof (request as Partial<Request> | undefined)?.headers?.get === 'function') return
  const given = (request as unknown) === null ? 'null' : typeof request
  throw new TypeError(
    `writekey/fetch takes a web-standard Request, such as h3's event.req, and got ${given === 'object' ? 'another object' : given}.`,
  )
}

function warn(error: unknown): void {
  globalThis.process?.emitWarning?.(error instanceof Error ? error : String(error))
}

function failed(): Response {
  return new Response('{"title":"Internal Server Error","status":500}', {
    status: 500,
    headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store' },
  })
}

/**
 * Serves a management API. Returns `undefined` for requests that are not its own.
 *
 * @param options `path`: what the API is below, e.g. `'/internal'`; `ip`: see `writeKeyAuth`
 * @throws ConfigError for bad options, at once.
 * @example
 * ```ts
 * const admin = adminRoutes(createAdminApi(keys, { tokens: [{ name: 'ops', token, role: 'admin' }] }))
 * const fetch = async (request: Request) => (await admin(request)) ?? new Response(null, { status: 404 })
 * ```
 */
export function adminRoutes<Context = unknown>(
  api: FetchHandler,
  options: RouteOptions<AddressOf<Context>> = {},
) {
  assertAdminApi(api)
  const { ip, path } = readRouteOptions('adminRoutes', options, callback<AddressOf<Context>>())

  return async function adminRoutes(request: Request, context?: Context): Promise<Response | undefined> {
    assertRequest(request)
    return answerAdmin(api, request, path, { address: () => ip?.(request, context as Context) })
  }
}

/**
 * Serves the endpoints of `createIngestApi`. Returns `undefined` for requests that are not its own.
 *
 * @param options `path`: the prefix of the senders' paths, e.g. `'/ingest'`; `ip`: see `writeKeyAuth`
 * @example
 * ```ts
 * const ingest = ingestRoutes(createIngestApi(keys, { onEvents: (events) => console.log(events) }))
 * const fetch = async (request: Request) => (await ingest(request)) ?? new Response(null, { status: 404 })
 * ```
 */
export function ingestRoutes<Context = unknown>(
  api: IngestEndpoints,
  options: RouteOptions<AddressOf<Context>> = {},
) {
  assertIngestApi(api)
  const { ip, path: prefix } = readRouteOptions('ingestRoutes', options, callback<AddressOf<Context>>())

  return async function ingestRoutes(request: Request, context?: Context): Promise<Response | undefined> {
    assertRequest(request)
    const path = pathBelow(request, prefix)
    const route = path === undefined ? undefined : api.find(path)
    if (route === undefined) return undefined
    const neutral = toFetchIngestRequest(request, { ip: ip && (() => ip(request, context as Context)) })
    const passed = passedAs(request, undefined)
    const answer = await answerOnce(api, route, neutral, passed)
    return answer && toResponse(answer.reply)
  }
}

/**
 * What `writeKeyAuth` has stored for the request that it passed to the handler.
 * @throws Error for any other request.
 */
export function writeKeyOf(request: Request): WriteKeyContext {
  return requireContext(request)
}

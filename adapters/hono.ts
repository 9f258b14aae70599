import type { Context, MiddlewareHandler } from 'hono'
import {
  type AdapterOptions,
  answerAdmin,
  answerOnce,
  assertAdminApi,
  assertIngestApi,
  badOption,
  createContext,
  type FetchHandler,
  findContext,
  type HeaderTarget,
  type IngestEndpoints,
  nodeBodyOf,
  type OptionReader,
  openCount,
  PromisedHeaders,
  passedAs,
  pathBelow,
  type Reply,
  type RouteOptions,
  readRouteOptions,
  refuseForeign,
  rememberPassage,
  requireContext,
  resolveAdapterOptions,
  setRefusalHeaders,
  tellRefused,
  toFetchIngestRequest,
  toResponse,
  type VerifyingKeys,
  verifyOnce,
  type WriteKeyContext,
  withAcceptedHeaders,
  withoutCarriedKey,
} from '../src/adapter/index.ts'
import type { CarriedKey, Refused } from '../src/index.ts'
import { hideInIncoming, hideInRequest, incomingOf, showAccepted, toHints } from './hono-request.ts'

/** What `writeKeyAuth` sets: `c.get('writeKey')`. */
export interface WriteKeyEnv {
  Variables: {
    /** The key that verified this request, and its events; undefined where `writeKeyAuth` has not run, or has another `requestProperty`. */
    writeKey?: WriteKeyContext | undefined
  }
}

/** Options of `writeKeyAuth`. `onRefused` may return a response of its own. */
export interface WriteKeyAuthOptions extends AdapterOptions<(refused: Refused, c: Context) => unknown> {
  /**
   * The client's address, e.g. `(c) => getConnInfo(c).remote.address`. Must not be async. If it throws, or returns anything but a text
   * or nothing, the request gets 503. Default: unknown.
   */
  ip?: ((c: Context) => string | undefined) | undefined
}

/**
 * Hono middleware that lets a request through when its write key is good, on any runtime. Handlers find
 * `writeKeyOf(c)`, also as `c.get('writeKey')`, and `c.req.json()` returns the accepted events only.
 *
 * @throws ConfigError for bad options, at once.
 * @example
 * ```ts
 * app.use('/v1/*', writeKeyAuth(keys))
 * app.post('/v1/track', (c) => c.json({ success: true, accepted: writeKeyOf(c).events.length }))
 * ```
 */
export function writeKeyAuth(
  keys: VerifyingKeys,
  options: WriteKeyAuthOptions = {},
): MiddlewareHandler<WriteKeyEnv> {
  const { eventType, onRefused, requestProperty, workspaceOf } = resolveAdapterOptions(keys, options, {
    ownNames: ['ip'],
  })
  const ip = readIp(options.ip, 'ip')

  return async function writeKeyAuth(context, next, ...more: unknown[]) {
    if (isForeign(context)) return refuseForeign('Hono', [context, next, ...more])
    const c = context as Context
    const request = c.req.raw
    const incoming = incomingOf(c)
    const nodeBody = nodeBodyOf(request, incoming)
    const count = openCount(keys)
    const neutral = () => {
      const hints = toHints(c, ip, nodeBody)
      hints.eventType = eventType
      hints.workspace = workspaceOf(c)
      return count.leave(toFetchIngestRequest(request, hints))
    }
    const preflight = request.method === 'OPTIONS' ? keys.preflight(neutral()) : undefined
    if (preflight !== undefined) {
      hideInIncoming(incoming, preflight.carried)
      return answer(c, preflight)
    }

    const passed = passedAs(request, incoming)
    const verdict = await verifyOnce(passed, keys, neutral, eventType)
    const shown = withoutCarriedKey(request, verdict.carried)
    // Behind Hono's request, which is made from it.
    hideInIncoming(incoming, verdict.carried)
    if (!verdict.ok) {
      let own: unknown
      if (onRefused !== undefined && verdict.reason !== 'client_aborted')
        await tellRefused(async () => {
          own = await onRefused(verdict, c)
        })
      return own instanceof Response ? own : answer(c, verdict.reply)
    }
    if (shown !== request) hideInRequest(c, shown, verdict.carried as CarriedKey)
    const headers = new PromisedHeaders()
    c.set(requestProperty, createContext(c.req, verdict, keys, eventType, passed, headers))
    const remember = (passing: Request) => rememberPassage(passing, incoming, c.req)
    if (verdict.body === undefined) remember(shown)
    else showAccepted(c, verdict.body, nodeBody === 'unread', remember)
    try {
      await next()
    } finally {
      count.close()
    }
    // Nothing was returned: Hono has an error for that.
    if (!c.finalized || headers.areTakenBack) return
    const answered = withHeaders(c, verdict.headers)
    if (answered !== c.res) replaceResponse(c, answered)
    return
  }
}

/** What another framework passes has no web request behind `req`. */
function isForeign(c: { req?: { raw?: unknown } }): boolean {
  return c.req?.raw === undefined
}

/** @throws TypeError for what is no response. Hono must not have it any more, to answer the error. */
function withHeaders(c: Context, headers: Readonly<Record<string, string>>): Response {
  try {
    return withAcceptedHeaders(c.res, headers)
  } catch (error) {
    c.res = undefined
    throw error
  }
}

/** Hono would add the headers of the old one to the new one. */
function replaceResponse(c: Context, response: Response): void {
  c.res = undefined
  c.res = response
}

type AddressOf = (c: Context) => string | undefined

const readIp: OptionReader<AddressOf | undefined> = (value, option) => {
  if (value === undefined || typeof value === 'function') return value as AddressOf | undefined
  throw badOption(option, value, 'a function, such as (c) => getConnInfo(c).remote.address')
}

function toHeaderTarget(c: Context): HeaderTarget {
  return {
    getHeader: (name) => c.res.headers.get(name) ?? undefined,
    setHeader: (name, value) => c.header(name, value),
    removeHeader: (name) => c.header(name, undefined),
  }
}

/** Hono adds to a response what middleware in front has set: remove first what a refusal must not carry. */
function answer(c: Context, reply: Reply): Response {
  if (!hasNoHeaders(c)) {
    const { connection: _, ...headers } = reply.headers
    setRefusalHeaders(toHeaderTarget(c), headers, c.req.header('origin'))
  }
  return toResponse(reply)
}

/**
 * Whether nobody in front has set a header. `c.res` would tell as well, but makes a whole `Response` of Node's, which takes half of a
 * refusal.
 */
function hasNoHeaders(c: Context): boolean {
  return !c.finalized && c.newResponse(null, 200).headers.keys().next().done === true
}

/**
 * Hono middleware that serves a management API, at the root of an app: `app.use(adminRoutes(api))`; below a path, also that of `app.route`, with
 * `{ path: '/internal' }`. Requests for other paths go on.
 *
 * @example
 * ```ts
 * app.use(adminRoutes(createAdminApi(keys, { tokens: [{ name: 'ops', token, role: 'admin' }] })))
 * ```
 */
export function adminRoutes(
  api: FetchHandler,
  options: RouteOptions<(c: Context) => string | undefined> = {},
): MiddlewareHandler {
  assertAdminApi(api)
  const { ip, path } = readRouteOptions('adminRoutes', options, readIp)

  return async function adminRoutes(c, next, ...more: unknown[]) {
    if (isForeign(c)) return refuseForeign('Hono', [c, next, ...more])
    const info = { address: () => ip?.(c), sent: incomingOf(c)?.url }
    return (await answerAdmin(api, c.req.raw, path, info)) ?? next()
  }
}

/**
 * Hono middleware that serves the endpoints of `createIngestApi`, at the root of an app: `app.use(ingestRoutes(api))`; below a path with
 * `{ path: '/ingest' }`. Requests for other paths go on.
 *
 * @example
 * ```ts
 * app.use(ingestRoutes(createIngestApi(keys, { onEvents: (events) => console.log(events) })))
 * ```
 */
export function ingestRoutes(
  api: IngestEndpoints,
  options: RouteOptions<(c: Context) => string | undefined> = {},
): MiddlewareHandler {
  assertIngestApi(api)
  const { ip, path: prefix } = readRouteOptions('ingestRoutes', options, readIp)

  return async function ingestRoutes(c, next, ...more: unknown[]) {
    if (isForeign(c)) return refuseForeign('Hono', [c, next, ...more])
    const path = pathBelow(c.req.raw, prefix)
    const route = path === undefined ? undefined : api.find(path)
    if (route === undefined) return next()
    const incoming = incomingOf(c)
    const neutral = toFetchIngestRequest(c.req.raw, toHints(c, ip, nodeBodyOf(c.req.raw, incoming)))
    const passed = passedAs(c.req.raw, incoming)
    const answer = await answerOnce(api, route, neutral, passed)
    if (answer === undefined) return next()
    const shown = withoutCarriedKey(c.req.raw, answer.carried)
    hideInIncoming(incoming, answer.carried)
    if (shown !== c.req.raw) hideInRequest(c, shown, answer.carried as CarriedKey)
    return toResponse(answer.reply)
  }
}

/**
 * What `writeKeyAuth` has stored for this request, whatever `requestProperty` says.
 * @throws Error when the request has not passed it.
 */
export function writeKeyOf(c: Context): WriteKeyContext {
  return findContext(c.req) ?? requireContext(passedAs(c.req.raw, incomingOf(c)))
}

import type { Context, MiddlewareHandler } from 'hono'
import {
  type AdapterOptions,
  BodyTakenError,
  badOption,
  bodyOf,
  createContext,
  type FetchHandler,
  type FetchRequestHints,
  findContext,
  type HeaderTarget,
  hasUnsaidContent,
  type Incoming,
  type IngestEndpoints,
  type IngestRequest,
  isUntouched,
  type NodeMessage,
  passedAs,
  pathOf,
  type ReadBody,
  type Reply,
  rememberPassage,
  requireContext,
  resolveAdapterOptions,
  setRefusalHeaders,
  tellRefused,
  toFetchIngestRequest,
  toHeaders,
  toResponse,
  type VerifyingKeys,
  verifyOnce,
  type WriteKeyContext,
  withAcceptedBody,
  withAcceptedHeaders,
  withoutCarriedKey,
} from '../src/adapter/index.ts'
import type { CarriedKey, Refused } from '../src/index.ts'

/** What `writeKeyAuth` sets: `c.get('writeKey')`. */
export interface WriteKeyEnv {
  Variables: {
    /** The key that verified this request, and its events; undefined where `writeKeyAuth` has not run, or has another `requestProperty`. */
    writeKey?: WriteKeyContext | undefined
  }
}

/** Options of `writeKeyAuth`. `onRefused` may return a response of its own. */
export interface WriteKeyAuthOptions extends AdapterOptions<(refused: Refused, c: Context) => unknown> {
  /** The client's address, e.g. `(c) => getConnInfo(c).remote.address`. Default: unknown. */
  ip?: (c: Context) => string | undefined
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
  const { eventType, onRefused, requestProperty, workspaceOf } = resolveAdapterOptions(keys, options, ['ip'])
  const ip = readIp(options)

  return async function writeKeyAuth(context, next) {
    const c = context as Context
    const request = c.req.raw
    const incoming = incomingOf(c)
    const isNodes = incoming !== undefined && isUntouched(request, incoming)
    const neutral = () =>
      toFetchIngestRequest(request, {
        ...toHints(c, ip, isNodes),
        eventType,
        workspace: workspaceOf(c),
      })
    const preflight = request.method === 'OPTIONS' ? keys.preflight(neutral()) : undefined
    if (preflight !== undefined) return answer(c, preflight)

    const passed = passedAs(request, incoming)
    const verdict = await verifyOnce(passed, keys, neutral, eventType)
    if (!verdict.ok) {
      let own: unknown
      if (onRefused !== undefined && verdict.reason !== 'client_aborted')
        await tellRefused(async () => {
          own = await onRefused(verdict, c)
        })
      return own instanceof Response ? own : answer(c, verdict.reply)
    }
    const shown = withoutCarriedKey(request, verdict.carried)
    if (shown !== request) hideInRequest(c, shown, verdict.carried as CarriedKey)
    c.set(requestProperty, createContext(c.req, verdict, keys, eventType, passed))
    const remember = (passing: Request) => rememberPassage(passing, incoming, c.req)
    if (verdict.body === undefined) remember(shown)
    else showAccepted(c, JSON.stringify(verdict.body), isNodes, remember)
    await next()
    const answered = withAcceptedHeaders(c.res, verdict.headers)
    if (answered !== c.res) replaceResponse(c, answered)
    return
  }
}

/**
 * Puts the accepted events in place of the body. To make a request that has them takes longer than all the rest, so it is made for those
 * who ask for it. Hono asks before it looks at what it keeps of the body: that is done here.
 */
function showAccepted(
  { req }: Context,
  accepted: string,
  isNodes: boolean,
  remember: (made: Request) => void,
): void {
  const shown = req.raw
  let raw: Request | undefined
  const text = Promise.resolve(accepted)
  req.bodyCache = { text } as unknown as typeof req.bodyCache
  // Somebody may have put another body in its place by then.
  const isKept = () => (req.bodyCache.text as unknown) === text
  const { json } = req
  req.json = () => (isKept() ? text.then(JSON.parse) : json.call(req))
  Object.defineProperty(req, 'raw', {
    configurable: true,
    enumerable: true,
    get() {
      if (raw === undefined) {
        raw = withAcceptedBody(shown, accepted, isNodes)
        remember(raw)
      }
      return raw
    },
    set(other: Request) {
      raw = other
    },
  })
}

/** Hono would add the headers of the old one to the new one. */
function replaceResponse(c: Context, response: Response): void {
  c.res = undefined
  c.res = response
}

/** Hono keeps the path and what its router has found in it. */
function hideInRequest(c: Context, shown: Request, carried: CarriedKey): void {
  const { req } = c
  req.raw = shown
  if (!carried.inUrl) return
  req.path = carried.hideInUrl(req.path)
  const param = req.param.bind(req) as (name?: string) => unknown
  const hidden = (name?: string) => {
    const value = name === undefined ? param() : param(name)
    if (typeof value !== 'object' || value === null) return carried.hideParameter(value)
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, carried.hideParameter(one)]))
  }
  Object.defineProperty(req, 'param', { configurable: true, value: hidden })
}

function readIp({ ip }: { ip?: (c: Context) => string | undefined }) {
  if (ip !== undefined && typeof ip !== 'function')
    throw badOption('ip', ip, 'a function, such as (c) => getConnInfo(c).remote.address')
  return ip
}

/** Node's request, where `@hono/node-server` provides it. */
function incomingOf(c: Context): (Incoming & NodeMessage) | undefined {
  const incoming: unknown = (c.env as { incoming?: unknown } | undefined)?.incoming
  return typeof incoming === 'object' && incoming !== null && 'headers' in incoming
    ? (incoming as ReturnType<typeof incomingOf>)
    : undefined
}

/** @param isNodes whether Node's request can be taken in place of Hono's */
function toHints(
  c: Context,
  ip: ((c: Context) => string | undefined) | undefined,
  isNodes = false,
): FetchRequestHints {
  const incoming = incomingOf(c)
  return {
    ...(isNodes && incoming !== undefined && { headers: toHeaders(incoming), readBody: readerOf(incoming) }),
    ip: ip?.(c),
    readTaken: () => readParsed(c),
    // Other methods may create requests from it.
    hasUnsaidContent:
      incoming !== undefined && incoming.method === c.req.raw.method && hasUnsaidContent(incoming),
  }
}

function readerOf(incoming: Incoming): ReadBody | undefined {
  const isBodiless = incoming.method === 'GET' || incoming.method === 'HEAD'
  return isBodiless ? undefined : (bodyOf(incoming) as ReadBody)
}

/**
 * The bytes that a parser in front has read, which Hono keeps. A parsed form has no bytes, a compressed body
 * no text.
 */
async function readParsed({ req }: Context): Promise<Uint8Array> {
  const { text, json, arrayBuffer, blob } = req.bodyCache
  if ((text ?? json ?? arrayBuffer ?? blob) === undefined) throw new BodyTakenError(formRead)
  const bytes = new Uint8Array(await req.arrayBuffer())
  const isExact = (arrayBuffer ?? blob) !== undefined
  if (!isExact && new TextDecoder().decode(bytes).includes('\ufffd')) throw new BodyTakenError(textRead)
  return bytes
}

const formRead =
  'something in front of writeKeyAuth has read a request body, and kept no more than a form, if anything: mount writeKeyAuth before it'
const textRead =
  'something in front of writeKeyAuth has called c.req.text() or c.req.json(), and the bytes of a request body, compressed or in another charset than UTF-8, cannot be told from that text: mount writeKeyAuth before it, or call c.req.arrayBuffer() there'

function toHeaderTarget(c: Context): HeaderTarget {
  return {
    getHeader: (name) => c.res.headers.get(name) ?? undefined,
    setHeader: (name, value) => c.header(name, value),
    removeHeader: (name) => c.header(name, undefined),
  }
}

/** Hono adds to a response what middleware in front has set: remove first what a refusal must not carry. */
function answer(c: Context, reply: Reply): Response {
  const { connection: _, ...headers } = reply.headers
  setRefusalHeaders(toHeaderTarget(c), headers, c.req.header('origin'))
  return toResponse(reply)
}

/**
 * Hono middleware that serves a management API, at the root of an app. Requests for other paths go on.
 *
 * @example
 * ```ts
 * app.use(adminRoutes(createAdminApi(keys, { tokens: [{ name: 'ops', token, role: 'admin' }] })))
 * ```
 */
export function adminRoutes(
  api: FetchHandler,
  options: { ip?: (c: Context) => string | undefined } = {},
): MiddlewareHandler {
  const ip = readIp(options)

  return async function adminRoutes(c, next) {
    if (!api.handles(pathOf(toFetchIngestRequest(c.req.raw).path))) return next()
    return api.fetch(c.req.raw, { address: ip?.(c) })
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
  options: { ip?: (c: Context) => string | undefined; path?: string } = {},
): MiddlewareHandler {
  const ip = readIp(options)
  const { path: prefix = '' } = options

  return async function ingestRoutes(c, next) {
    const neutral = toFetchIngestRequest(c.req.raw, toHints(c, ip))
    const path = pathOf(neutral.path)
    const route = path.startsWith(prefix) ? api.find(path.slice(prefix.length)) : undefined
    const passed = passedAs(c.req.raw, incomingOf(c))
    const verify = (read: IngestRequest) => verifyOnce(passed, api.keys, () => read, read.eventType)
    const answer = route && (await api.answer(route, neutral, verify))
    if (answer === undefined) return next()
    const shown = withoutCarriedKey(c.req.raw, answer.carried)
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

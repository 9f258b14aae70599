import type { Context, Middleware } from 'koa'
import {
  type AdapterOptions,
  answerByFetch,
  answerIngest,
  assertAdminApi,
  assertIngestApi,
  createContext,
  type FetchHandler,
  hideKey,
  type IngestEndpoints,
  keepBody,
  keepHeaders,
  type ParsedBody,
  type PromisedHeaders,
  pathOf,
  type Reply,
  refuseForeign,
  refuseRouteOptions,
  requireContext,
  resolveAdapterOptions,
  setAcceptedBody,
  setRefusalHeaders,
  setWriteKey,
  type TargetHolder,
  tellRefused,
  toIngestRequest,
  trySetAcceptedHeaders,
  type VerifyingKeys,
  verifyOnce,
  type WriteKeyContext,
  writeReply,
} from '../src/adapter/index.ts'
import type { Refused } from '../src/index.ts'

/** What `writeKeyAuth` adds to `ctx.state`. */
export interface WriteKeyState {
  /** The key that verified this request, and its events; undefined where `writeKeyAuth` has not run, or has another `requestProperty`. */
  writeKey?: WriteKeyContext | undefined
}

/** Options of `writeKeyAuth`. */
export type WriteKeyAuthOptions = AdapterOptions<(refused: Refused, ctx: Context) => unknown>

/**
 * Koa 2.15+ and 3 middleware that lets a request through when its write key is good, before or after a body parser (before
 * is faster, and reads what it does not). What comes after it finds `writeKeyOf(ctx)`, also as `ctx.state.writeKey`, and `ctx.request.body` holds the
 * accepted events only. Its headers stay on the answer when something after it throws.
 *
 * @throws ConfigError for bad options, at once.
 * @example
 * ```ts
 * app.use(writeKeyAuth(keys))
 * app.use((ctx) => { ctx.body = { success: true, accepted: writeKeyOf(ctx).events.length } })
 * ```
 */
export function writeKeyAuth(
  keys: VerifyingKeys,
  options: WriteKeyAuthOptions = {},
): Middleware<WriteKeyState> {
  const { eventType, onRefused, requestProperty, workspaceOf } = resolveAdapterOptions(keys, options)

  return async function writeKeyAuth(context, next, ...more: unknown[]) {
    if (isForeign(context)) return refuseForeign('Koa', [context, next, ...more])
    const ctx = context as Context
    const parsed = ctx.request as ParsedBody & typeof ctx.request
    const neutral = () => {
      const hints = {
        url: ctx.originalUrl,
        parsed,
        response: ctx.res,
        keys,
        eventType,
        workspace: workspaceOf(ctx),
      }
      return toIngestRequest(ctx.req, hints)
    }
    const preflight = ctx.method === 'OPTIONS' ? keys.preflight(neutral()) : undefined
    if (preflight !== undefined) {
      hideInContext(ctx, preflight.carried)
      return answer(ctx, preflight)
    }

    const verdict = await verifyOnce(ctx.req, keys, neutral, eventType, parsed)
    hideInContext(ctx, verdict.carried)
    if (!verdict.ok) {
      if (verdict.reason === 'client_aborted') {
        // Nobody is left to answer; Koa would answer 404.
        ctx.respond = false
        return
      }
      if (onRefused === undefined) return answer(ctx, verdict.reply)
      const isLeft = watchAnswer(ctx)
      await tellRefused(() => onRefused(verdict, ctx))
      if (isLeft()) answer(ctx, verdict.reply)
      return
    }
    const set = trySetAcceptedHeaders(ctx.res, verdict.headers)
    if (set === undefined) return
    keepOnError(ctx, verdict.headers, set)
    const key = createContext(ctx.req, verdict, keys, eventType, ctx.req, set)
    setWriteKey(ctx.state, requestProperty, key)
    if (verdict.body !== undefined) {
      setAcceptedBody(ctx.req, parsed, verdict.body, 'no length')
      keepBody(parsed)
    }
    await next()
  }
}

/** What another framework passes has no request of Koa's beside Node's. */
function isForeign(ctx: Partial<Pick<Context, 'req' | 'request'>>): boolean {
  return ctx.req === undefined || ctx.request === undefined
}

function hideInContext(ctx: Context, carried: Refused['carried']): void {
  hideKey(ctx.req, carried, ctx as TargetHolder, ctx.request as TargetHolder)
}

/** Whether the answer is unchanged: outer middleware may have set a body before the refusal. */
function watchAnswer(ctx: Context): () => boolean {
  const { body, status, respond } = ctx
  return () => ctx.body === body && ctx.status === status && ctx.respond === respond
}

/**
 * Through Koa and not around it, so that outer middleware sees the answer; unless somebody has taken it from
 * Koa.
 */
function answer(ctx: Context, reply: Reply): void {
  if (ctx.headerSent) return
  if (ctx.respond === false) {
    writeReply(ctx.res, reply)
    return
  }
  ctx.status = reply.status
  setRefusalHeaders(ctx.res, reply.headers, ctx.req.headers.origin)
  ctx.body = reply.body
}

/** Koa drops every header when something throws or a body stream fails, except those of the error. */
function keepOnError(ctx: Context, headers: Reply['headers'], set: PromisedHeaders): void {
  ctx.onerror = keepingOnError(ctx, headers, set)
}

/**
 * Returned, not assigned where it is written: V8 puts a function that is written as the value of a property among its old objects, where
 * it would keep the whole request until the next full collection. A request then takes half as long again.
 */
function keepingOnError(ctx: Context, headers: Reply['headers'], set: PromisedHeaders): Context['onerror'] {
  const { onerror } = ctx
  return function keepHeadersOnError(thrown: unknown) {
    if (thrown === null || thrown === undefined) return
    if (!set.areTakenBack) keepHeaders(ctx.res, headers)
    if (!isError(thrown) || canTakeStatus(thrown)) onerror.call(ctx, thrown as Error)
    else answerReadOnly(ctx, onerror, thrown)
  }
}

/** As Koa tells errors. For anything else it makes an error of its own. */
function isError(thrown: unknown): thrown is Error {
  return Object.prototype.toString.call(thrown) === '[object Error]' || thrown instanceof Error
}

/** Koa sets the status of every error. A throw in its error handler ends the process. */
function canTakeStatus(error: Error): boolean {
  return Object.isExtensible(error) && Reflect.set(Object.create(error), 'status', 500)
}

/**
 * Koa's own answer to an error that cannot be written to. Koa writes to a replacement; listeners get the
 * error.
 */
function answerReadOnly(ctx: Context, onerror: Context['onerror'], error: Error): void {
  const { status } = error as { status?: unknown }
  const open = { writable: true, configurable: true }
  const standIn = Object.create(error, { status: { ...open, value: status }, headerSent: open })
  const app = Object.create(ctx.app, { emit: { value: () => ctx.app.emit('error', error, ctx) } })
  onerror.call(Object.create(ctx, { app: { value: app } }), standIn)
}

/**
 * Koa middleware that serves a management API, at the root of an app or under a mount point, before or after body parsers.
 * Requests for other paths go on.
 *
 * @example
 * ```ts
 * app.use(adminRoutes(createAdminApi(keys, { tokens: [{ name: 'ops', token, role: 'admin' }] })))
 * ```
 */
export function adminRoutes(api: FetchHandler, ...more: never[]): Middleware {
  assertAdminApi(api)
  refuseRouteOptions('adminRoutes', more, `mount('/internal', adminRoutes(api)) with koa-mount`)
  return async function adminRoutes(ctx, next, ...more: unknown[]) {
    if (isForeign(ctx)) return refuseForeign('Koa', [ctx, next, ...more])
    // As sent, not as Koa reads it: `http://host/path` is no path here.
    if (!api.handles(pathOf(ctx.url))) return next()
    // The answer may be a stream of events that goes on for hours, so it is written as it comes.
    ctx.respond = false
    await answerByFetch(api, ctx.req, ctx.res, { parsed: ctx.request as ParsedBody & typeof ctx.request })
  }
}

/**
 * Koa middleware that serves the endpoints of `createIngestApi`, at the root of an app or under a mount point, before or after body parsers.
 * Requests for other paths go on.
 *
 * @example
 * ```ts
 * app.use(ingestRoutes(createIngestApi(keys, { onEvents: (events) => console.log(events) })))
 * ```
 */
export function ingestRoutes(api: IngestEndpoints, ...more: never[]): Middleware {
  assertIngestApi(api)
  refuseRouteOptions('ingestRoutes', more, `mount('/internal', ingestRoutes(api)) with koa-mount`)
  return async function ingestRoutes(ctx, next, ...more: unknown[]) {
    if (isForeign(ctx)) return refuseForeign('Koa', [ctx, next, ...more])
    const parsed = ctx.request as ParsedBody & typeof ctx.request
    const hints = { url: ctx.originalUrl, parsed, response: ctx.res }
    const holders = [ctx as TargetHolder, ctx.request as TargetHolder]
    ctx.respond = false
    if (await answerIngest(api, ctx.req, ctx.res, pathOf(ctx.url), hints, ...holders)) return
    ctx.respond = true
    await next()
  }
}

/**
 * What `writeKeyAuth` has stored for this request, whatever `requestProperty` says.
 * @throws Error when the request has not passed it.
 */
export function writeKeyOf(ctx: Pick<Context, 'req'>): WriteKeyContext {
  return requireContext(ctx.req)
}

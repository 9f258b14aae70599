import { format, types } from 'node:util'
import type { Context, Middleware } from 'koa'
import {
  type AdapterOptions,
  answerByFetch,
  appendVary,
  createContext,
  type FetchHandler,
  findContext,
  type ParsedBody,
  pathOf,
  type Refused,
  type Reply,
  resolveAdapterOptions,
  setReplyHeaders,
  tellRefused,
  toIngestRequest,
  type VerifyingKeys,
  verifyOnce,
  type WriteKeyContext,
} from '../src/index.ts'

/** What `writeKeyAuth` adds to `ctx.state`. */
export interface WriteKeyState {
  /** The key that verified this request, and its events. */
  writeKey: WriteKeyContext
}

/** Options of `writeKeyAuth`. */
export type WriteKeyAuthOptions = AdapterOptions<(refused: Refused, ctx: Context) => unknown>

/**
 * Koa 2.15+ and 3 middleware that lets a request through when its write key is good, before or after a body parser (before
 * is faster, and reads what it does not). What comes after it finds `ctx.state.writeKey`, and `ctx.request.body` holds the
 * accepted events only. Its headers stay on the answer when something after it throws.
 *
 * @throws ConfigError for bad options, at once.
 * @example
 * ```ts
 * app.use(writeKeyAuth(keys))
 * app.use((ctx) => { ctx.body = { success: true, accepted: ctx.state.writeKey.events.length } })
 * ```
 */
export function writeKeyAuth(
  keys: VerifyingKeys,
  options: WriteKeyAuthOptions = {},
): Middleware<WriteKeyState> {
  const { eventType, onRefused, requestProperty } = resolveAdapterOptions(keys, options)

  return async function writeKeyAuth(context, next) {
    const ctx = context as Context
    const parsed = ctx.request as ParsedBody & typeof ctx.request
    const neutral = () => toIngestRequest(ctx.req, { url: ctx.originalUrl, parsed, eventType })
    const preflight = ctx.method === 'OPTIONS' ? keys.preflight(neutral()) : undefined
    if (preflight !== undefined) return answer(ctx, preflight)

    const before = findContext(ctx.state)
    const verdict = await verifyOnce(keys, before, neutral, eventType)
    if (!verdict.ok) {
      if (onRefused !== undefined) await tellRefused(() => onRefused(verdict, ctx))
      if (!isAnswered(ctx)) answer(ctx, verdict.reply)
      return
    }
    if (ctx.headerSent) return
    setReplyHeaders(ctx.res, verdict.headers)
    keepOnError(ctx, verdict.headers)
    ctx.state[requestProperty] = createContext(verdict, keys, eventType, before)
    if (verdict.body !== undefined) parsed.body = verdict.body
    await next()
  }
}

function isAnswered(ctx: Context): boolean {
  return ctx.headerSent || ctx.respond === false || (ctx.body !== undefined && ctx.body !== null)
}

/** Through Koa and not around it, so that middleware further out sees the answer. */
function answer(ctx: Context, reply: Reply): void {
  ctx.status = reply.status
  setReplyHeaders(ctx.res, reply.headers)
  ctx.body = reply.body
}

/** Koa drops every header when something throws or a body stream fails, save those that the error carries. */
function keepOnError(ctx: Context, headers: Readonly<Record<string, string>>): void {
  const { onerror } = ctx
  ctx.onerror = function keepHeaders(thrown: unknown) {
    if (thrown === null || thrown === undefined) return
    // Koa makes an error of whatever else was thrown, and what we attach has to survive that.
    const isError = types.isNativeError(thrown) || thrown instanceof Error
    const error: Error & { headers?: Record<string, string> } = isError
      ? thrown
      : new Error(format('non-error thrown: %j', thrown))
    error.headers = { ...headers, ...error.headers, vary: appendVary(error.headers?.vary, 'Origin') }
    onerror.call(ctx, error)
  }
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
export function adminRoutes(api: FetchHandler): Middleware {
  return async function adminRoutes(ctx, next) {
    // As sent, not as Koa reads it: `http://host/path` is no path here.
    if (!api.handles(pathOf(ctx.url))) return next()
    // The answer may be a stream of events that goes on for hours: it is written as it comes.
    ctx.respond = false
    await answerByFetch(api, ctx.req, ctx.res, { parsed: ctx.request as ParsedBody & typeof ctx.request })
  }
}

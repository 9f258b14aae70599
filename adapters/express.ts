import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  type Accepted,
  type AdapterOptions,
  createContext,
  findContext,
  type Refused,
  resolveAdapterOptions,
  setAcceptedBody,
  tellRefused,
  toIngestRequest,
  trySetAcceptedHeaders,
  type VerifyingKeys,
  verifyOnce,
  type WriteKeyContext,
  writeReply,
} from '../src/index.ts'

export { adminRoutes } from '../src/index.ts'

declare global {
  namespace Express {
    interface Request {
      /** The key that verified this request, and its events. Set by `writeKeyAuth`. */
      writeKey: WriteKeyContext
    }
  }
}

/** Express's request, of any major: a Node request whose `originalUrl` keeps the mount point. */
export type ExpressRequest = IncomingMessage & { originalUrl?: string; baseUrl?: string; body?: unknown }

/** Options of `writeKeyAuth`. */
export type WriteKeyAuthOptions = AdapterOptions<
  (refused: Refused, request: ExpressRequest, response: ServerResponse) => unknown
>

/**
 * Express 4.18+ and 5 middleware that lets a request through when its write key is good: for `app.use(path, …)` or a
 * single route, before or after body parsers (before is faster, and reads what they do not; those behind it find the body done).
 * Handlers find `req.writeKey`, and `req.body` holds the accepted events only.
 *
 * @throws ConfigError for bad options, at once.
 * @example
 * ```ts
 * app.use('/v1', writeKeyAuth(keys))
 * app.post('/v1/track', (req, res) => { res.json({ success: true, accepted: req.writeKey.events.length }) })
 * ```
 */
export function writeKeyAuth(keys: VerifyingKeys, options: WriteKeyAuthOptions = {}) {
  const { eventType, onRefused, requestProperty } = resolveAdapterOptions(keys, options)

  return function writeKeyAuth(
    request: ExpressRequest,
    response: ServerResponse,
    next: (error?: unknown) => void,
  ): void {
    const neutral = () =>
      toIngestRequest(request, { url: request.originalUrl, mountPath: request.baseUrl, eventType })
    const preflight = request.method === 'OPTIONS' ? keys.preflight(neutral()) : undefined
    if (preflight !== undefined) {
      writeReply(response, preflight)
      return
    }

    const before = findContext(request)
    verifyOnce(keys, before, neutral, eventType)
      .then((verdict) =>
        verdict.ok ? accept(verdict, before, request, response) : refuse(verdict, request, response),
      )
      .then((accepted) => {
        if (accepted) next()
      }, next)
  }

  function accept(
    verdict: Accepted,
    before: WriteKeyContext | undefined,
    request: ExpressRequest,
    response: ServerResponse,
  ): boolean {
    if (!trySetAcceptedHeaders(response, verdict.headers)) return false
    const target = request as unknown as Record<string, unknown>
    target[requestProperty] = createContext(verdict, keys, eventType, before)
    if (verdict.body !== undefined) setAcceptedBody(request, request, verdict.body)
    return true
  }

  async function refuse(
    verdict: Refused,
    request: ExpressRequest,
    response: ServerResponse,
  ): Promise<boolean> {
    // Nobody is left to answer.
    if (verdict.reason === 'client_aborted') return false
    if (onRefused !== undefined) await tellRefused(() => onRefused(verdict, request, response))
    writeReply(response, verdict.reply)
    return false
  }
}

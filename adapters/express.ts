import type { ServerResponse } from 'node:http'
// Optional: the build has declarations pass over this where Express's types are not installed.
import type { Request, Response } from 'express'
import {
  type AdapterOptions,
  createNodeGuard,
  isNodeCall,
  type NodeGuard,
  type NodeRequest,
  namesOfNodeRequests,
  refuseForeign,
  requireContext,
  resolveAdapterOptions,
  rewindBody,
  shareShape,
  type VerifyingKeys,
  type WriteKeyContext,
} from '../src/adapter/index.ts'
import type { Refused } from '../src/index.ts'

export {
  adminRoutes,
  ingestRoutes,
  type NodeGuard,
  type NodeNext,
  type NodeRequest,
} from '../src/adapter/index.ts'

declare global {
  namespace Express {
    interface Request {
      /**
       * The key that verified this request, and its events. Set by `writeKeyAuth`; undefined on routes that
       * it does not guard.
       */
      writeKey?: WriteKeyContext | undefined
    }
  }
}

/** Express's request, of any major: a Node request whose `originalUrl` keeps the mount point. */
export type ExpressRequest = NodeRequest

/** The request that `onRefused` and `workspace` get: Express's `Request` where `@types/express` is installed, and Node's otherwise. */
export type CallbackRequest = [unknown] extends [Request] ? ExpressRequest : Request

/** The response that `onRefused` gets: Express's `Response` where `@types/express` is installed, and Node's otherwise. */
export type CallbackResponse = [unknown] extends [Response] ? ServerResponse : Response

/** Called before a refusal is written. */
// A method, so that a function may name its own type of request, such as `Request<{ workspace: string }>`.
export type OnRefused = {
  tell(refused: Refused, request: CallbackRequest, response: CallbackResponse): unknown
}['tell']

/** Options of `writeKeyAuth`. */
export type WriteKeyAuthOptions = AdapterOptions<OnRefused>

/**
 * Express 4.18+ and 5 middleware that lets a request through when its write key is good: for `app.use(path,
 * …)` or a single route, before or after body parsers (before is faster, and reads what they do not; those
 * behind it find the body done). Handlers find `writeKeyOf(req)`, also as `req.writeKey`, and `req.body`
 * holds the accepted events only.
 *
 * @throws ConfigError for bad options, at once.
 * @example
 * ```ts
 * app.use('/v1', writeKeyAuth(keys))
 * app.post('/v1/track', (req, res) => { res.json({ success: true, accepted: writeKeyOf(req).events.length }) })
 * ```
 */
export function writeKeyAuth(keys: VerifyingKeys, options: WriteKeyAuthOptions = {}): NodeGuard {
  const guard = createNodeGuard(
    keys,
    resolveAdapterOptions(keys, options, { takenNames: namesOfNodeRequests }),
  )

  return function writeKeyAuth(request, response, next) {
    if (!isNodeCall(response, next)) {
      refuseForeign('Express', [request, response, next])
      return
    }
    shareShape(request, 'statusMessage')
    shareShape(response, 'sendDate')
    guard(request, response, (error) => {
      // `@fastify/express` puts it there, and Fastify reads the body once we are done.
      if (error === undefined && Object.hasOwn(response, 'send')) rewindBody(request, 'at its end')
      next(error)
    })
  }
}

/**
 * What `writeKeyAuth` has stored for this request, whatever `requestProperty` says.
 * @throws Error when the request has not passed it.
 */
export function writeKeyOf(request: ExpressRequest): WriteKeyContext {
  return requireContext(request)
}

import type {
  FastifyInstance,
  FastifyPluginCallback,
  FastifyReply,
  FastifyRequest,
  preParsingHookHandler,
} from 'fastify'
import {
  type AdapterOptions,
  answerByFetch,
  answerIngest,
  answerPastFastify,
  assertAdminApi,
  assertIngestApi,
  createContext,
  type FetchHandler,
  hideKey,
  type IngestEndpoints,
  pathOf,
  refuseRouteOptions,
  requireContext,
  resolveAdapterOptions,
  rewindBody,
  setAcceptedBody,
  setWriteKey,
  type TargetHolder,
  tellRefused,
  toIngestRequest,
  trySetFastifyHeaders,
  type VerifyingKeys,
  verifyOnce,
  type WriteKeyContext,
} from '../src/adapter/index.ts'
import type { Refused } from '../src/index.ts'
import { hideBody, showBody } from './fastify-body.ts'
import {
  asPartOfItsContext,
  assertNoGuardOptions,
  type PrefixOptions,
  prefixAtRoot,
} from './fastify-register.ts'

export type { PrefixOptions } from './fastify-register.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The key that verified this request, and its events. Set by `writeKeyAuth`; undefined on routes that it does not guard. */
    writeKey?: WriteKeyContext | undefined
  }
}

/** Names on Fastify's request that Fastify and its plugins use. */
const takenNames =
  '_\\w*|body\\w*|compileValidationSchema|context|cookies|files?|get\\w*|headers?|host\\w*|id|ips?|is404|log|mediaType|method|origin\\w*|params|port|protocol|query|raw\\w*|req|request|res|response|route\\w*|server|setDecorator|signal|signedCookies|socket|url|validat\\w*'

/** Options of `writeKeyAuth`. */
export type WriteKeyAuthOptions = AdapterOptions<
  (refused: Refused, request: FastifyRequest, reply: FastifyReply) => unknown
>

/**
 * Fastify 5 plugin that guards the context that it is registered in, and those within: requests get on when their write key is good.
 * Reads bodies itself, and so takes what Fastify's parsers refuse: gzip, JSON under any label, up to `maxBodyBytes`. Handlers
 * find `request.writeKey`, and `request.body`, schemas included, is the accepted events only. Answers preflights
 * for everything in that context.
 *
 * @throws ConfigError for bad options, at once.
 * @example
 * ```ts
 * fastify.register(async (ingest) => {
 *   ingest.register(writeKeyAuth(keys))
 *   ingest.post('/track', async (request) => ({ success: true, accepted: writeKeyOf(request).events.length }))
 * }, { prefix: '/v1' })
 * ```
 */
export function writeKeyAuth(keys: VerifyingKeys, options: WriteKeyAuthOptions = {}): FastifyPluginCallback {
  const { eventType, onRefused, requestProperty, workspaceOf } = resolveAdapterOptions(keys, options, {
    takenNames,
  })

  const guard: preParsingHookHandler = function writeKeyAuth(request, reply, payload, done) {
    verify(request, reply).then(
      (accepted) => {
        if (accepted) done(null, payload)
      },
      (error) => done(error),
    )
  }

  async function verify(request: FastifyRequest, reply: FastifyReply): Promise<boolean> {
    const { raw } = request
    const neutral = () => {
      const hints = {
        url: request.originalUrl,
        parsed: request,
        response: reply.raw,
        keys,
        eventType,
        workspace: workspaceOf(request),
      }
      return toIngestRequest(raw, hints)
    }
    const preflight = raw.method === 'OPTIONS' ? keys.preflight(neutral()) : undefined
    if (preflight !== undefined) {
      hideKey(raw, preflight.carried, request as TargetHolder)
      answerPastFastify(reply, preflight)
      return false
    }
    const verdict = await verifyOnce(raw, keys, neutral, eventType, request)
    hideKey(raw, verdict.carried, request as TargetHolder)
    if (!verdict.ok) {
      if (verdict.reason === 'client_aborted') {
        // Nobody is left to answer.
        reply.hijack()
        return false
      }
      if (onRefused !== undefined) await tellRefused(() => onRefused(verdict, request, reply))
      if (!reply.sent) answerPastFastify(reply, verdict.reply)
      return false
    }
    const headers = trySetFastifyHeaders(reply, raw, verdict.headers)
    if (headers === undefined) return false
    setWriteKey(request, requestProperty, createContext(raw, verdict, keys, eventType, raw, headers))
    if (verdict.body !== undefined) {
      setAcceptedBody(raw, request, verdict.body)
      // Fastify itself answers a QUERY without a content type.
      if (raw.method === 'QUERY') rewindBody(raw)
      else hideBody(request)
    }
    return true
  }

  return asPartOfItsContext(function addGuard(fastify, given) {
    assertNoGuardOptions(given)
    if (!fastify.hasRequestDecorator(requestProperty)) fastify.decorateRequest(requestProperty)
    addPreflightRoutes(fastify)
    fastify.addHook('preParsing', guard)
    fastify.addHook('preValidation', showBody)
  })
}

/**
 * Any version and host: a route with a constraint is a different one than a route of the same path without,
 * such as that of a CORS plugin.
 */
const constraints = { host: /(?:)/ }

/**
 * Fastify has no OPTIONS routes of its own, and runs no hooks where there is no route: the guard answers
 * before that.
 */
function addPreflightRoutes(fastify: FastifyInstance): void {
  const { prefix } = fastify
  for (const url of prefix === '' ? ['*'] : ['', '/*']) {
    // Another guard may have added them: the answer is the same for all. The router finds `*` as `/*` only.
    const known = url === '*' ? '/*' : prefix + url
    if (fastify.hasRoute({ method: 'OPTIONS', url: known, constraints })) continue
    fastify.options(url, { constraints, prefixTrailingSlash: 'no-slash' }, (_, reply) => reply.callNotFound())
  }
}

/**
 * Fastify plugin that serves a management API. To be registered at the root, below a path with `{ prefix: '/internal' }`. Requests for
 * other paths go on.
 *
 * @example
 * ```ts
 * fastify.register(adminRoutes(createAdminApi(keys, { tokens: [{ name: 'ops', token, role: 'admin' }] })))
 * ```
 */
export function adminRoutes(api: FetchHandler, ...more: never[]): FastifyPluginCallback<PrefixOptions> {
  assertAdminApi(api)
  refuseRouteOptions('adminRoutes', more, `register(adminRoutes(api), { prefix: '/internal' })`)
  return asPartOfItsContext(function addAdmin(fastify, given) {
    const prefix = prefixAtRoot(fastify, 'adminRoutes', given)
    fastify.addHook('onRequest', function adminRoutes(request, reply, next) {
      const { url = '/' } = request.raw
      const within = url.slice(prefix.length)
      if (!url.startsWith(prefix) || !api.handles(pathOf(within))) return next()
      // The answer may be a stream of events that goes on for hours, so it is written as it comes.
      reply.hijack()
      answerByFetch(api, request.raw, reply.raw, { url: within }).catch((error: unknown) => {
        request.log.error(error)
        reply.raw.destroy()
      })
    })
  })
}

/**
 * Fastify plugin that serves the endpoints of `createIngestApi`. To be registered at the root, below a path with `{ prefix: '/ingest' }`.
 * Requests for other paths go on.
 *
 * @example
 * ```ts
 * fastify.register(ingestRoutes(createIngestApi(keys, { onEvents: (events) => console.log(events) })))
 * ```
 */
export function ingestRoutes(api: IngestEndpoints, ...more: never[]): FastifyPluginCallback<PrefixOptions> {
  assertIngestApi(api)
  refuseRouteOptions('ingestRoutes', more, `register(ingestRoutes(api), { prefix: '/internal' })`)
  return asPartOfItsContext(function addIngest(fastify, given) {
    const prefix = prefixAtRoot(fastify, 'ingestRoutes', given)
    fastify.addHook('onRequest', function ingestRoutes(request, reply, next) {
      const { url = '/', method = '' } = request.raw
      const path = pathOf(url.slice(prefix.length))
      const route = url.startsWith(prefix) ? api.find(path) : undefined
      if (route === undefined || !(method === 'OPTIONS' || route.methods.includes(method))) return next()
      reply.hijack()
      const hints = { url, response: reply.raw }
      answerIngest(api, request.raw, reply.raw, path, hints, request as TargetHolder).then(
        (answered) => {
          if (!answered) reply.raw.writeHead(404).end()
        },
        (error: unknown) => {
          request.log.error(error)
          reply.raw.destroy()
        },
      )
    })
  })
}

/**
 * What `writeKeyAuth` has stored for this request, whatever `requestProperty` says.
 * @throws Error when the request has not passed it.
 */
export function writeKeyOf(request: FastifyRequest): WriteKeyContext {
  return requireContext(request.raw)
}

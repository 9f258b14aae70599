import type { IncomingMessage } from 'node:http'
import {
  answerPastFastify,
  type FastifyReplyLike,
  hideKey,
  type TargetHolder,
  toIngestRequest,
} from '../../src/adapter/index.ts'
import { methodOfFastifyRoute, methodOfRouteHandler } from './guarded-handlers.ts'
import type { WriteKeySetup } from './module-options.ts'

interface FastifyRequest {
  raw: IncomingMessage
  headers: Record<string, unknown> | undefined
}

type PreParsing = (
  request: FastifyRequest,
  reply: FastifyReplyLike,
  payload: unknown,
  done: (error: null, payload: unknown) => void,
) => void
type PreValidation = (request: FastifyRequest, reply: FastifyReplyLike, done: () => void) => void

interface FastifyRoute {
  url: string
  handler: object
  config?: unknown
  constraints?: Record<string, unknown>
  preParsing?: PreParsing | PreParsing[]
  preValidation?: PreValidation | PreValidation[]
}

/** The part of Fastify 4 or 5 that is used here. */
interface FastifyApp {
  addHook(name: 'onRoute', hook: (route: FastifyRoute) => void): unknown
  hasRoute(route: { method: string; url: string; constraints?: Record<string, unknown> }): boolean
  options(
    url: string,
    route: { constraints?: Record<string, unknown> },
    handler: (request: FastifyRequest, reply: FastifyReplyLike & { callNotFound(): unknown }) => void,
  ): unknown
}

/** What Nest's Fastify adapter is used for. */
interface FastifyAdapter {
  getInstance(): FastifyApp
  all(path: string, handler: object): unknown
}

/** Headers that tell Fastify that there is a body to parse. */
const noBody = { 'content-type': undefined, 'content-length': undefined, 'transfer-encoding': undefined }

/**
 * Makes Fastify's content type parsers skip guarded routes. Call it before Nest registers its routes. The
 * function it returns answers preflights for the guarded ones; call it after.
 */
export function prepareFastify(
  adapter: FastifyAdapter,
  handlers: ReadonlySet<unknown>,
  setup: WriteKeySetup,
): () => void {
  const app = adapter.getInstance()
  const guarded: FastifyRoute[] = []

  // Nest wraps the handler of an `@All()` with parameters, and tells of it nowhere else.
  const all = adapter.all
  let registering: unknown
  adapter.all = function allKnowingMethod(path, handler) {
    registering = methodOfRouteHandler(handler)
    try {
      return all.call(this, path, handler)
    } finally {
      registering = undefined
    }
  }

  app.addHook('onRoute', (route) => {
    if (!handlers.has(methodOfFastifyRoute(route) ?? registering)) return
    guarded.push(route)
    if (setup.bodyReader === 'parser') return
    route.preParsing = [hideBody, route.preParsing ?? []].flat()
    route.preValidation = [showBody, route.preValidation ?? []].flat()
  })

  return function answerPreflights() {
    for (const { url, constraints } of guarded) {
      const place = { url, ...(constraints !== undefined && { constraints }) }
      if (app.hasRoute({ method: 'OPTIONS', ...place })) continue
      app.options(url, place, (request, reply) => {
        const preflight = setup.keys.preflight(toIngestRequest(request.raw))
        if (preflight === undefined) {
          reply.callNotFound()
          return
        }
        hideKey(request.raw, preflight.carried, request as TargetHolder)
        answerPastFastify(reply, preflight)
      })
    }
  }
}

/** Headers that somebody else had put in place of Node's. */
const shownHeaders = new WeakMap<FastifyRequest, FastifyRequest['headers']>()

/**
 * From here to `showBody` Fastify chooses a parser by the headers. It must find that there is nothing to
 * parse.
 */
const hideBody: PreParsing = (request, _, payload, done) => {
  const { headers, raw } = request
  if (headers !== raw.headers) shownHeaders.set(request, headers)
  request.headers = noBody
  done(null, payload)
}

const showBody: PreValidation = (request, _, done) => {
  request.headers = shownHeaders.get(request)
  done()
}

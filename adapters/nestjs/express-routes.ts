import type { IncomingMessage, ServerResponse } from 'node:http'
import { hideKey, toIngestRequest, writeReply } from '../../src/adapter/index.ts'
import { methodOfRouteHandler } from './guarded-handlers.ts'
import type { WriteKeySetup } from './module-options.ts'

type ExpressHandler = (request: IncomingMessage, response: ServerResponse, next: () => void) => unknown

/** An entry of Express's router, 4 or 5: a middleware, or a route with its handlers. */
interface Layer {
  name: string
  handle: ExpressHandler
  match(path: string): boolean
  route?: { methods: Record<string, boolean | undefined>; stack: { handle: ExpressHandler }[] }
}

/** The parts of Nest's Express adapter and its Express app that are used. */
interface ExpressAdapter {
  use(handler: ExpressHandler): unknown
  getInstance(): { _router?: { stack: Layer[] }; router?: { stack: Layer[] } }
}

/** The name of body-parser's middleware, in Express, Nest, and wherever it is used. */
const bodyParsers = ['jsonParser', 'urlencodedParser', 'textParser', 'rawParser']

/**
 * Answers preflights for guarded routes, and makes the body parsers registered so far skip these routes. Call
 * it between Nest's body parsers and its routes. A route is found by Express's own matching, so every path
 * that reaches a guarded handler is known. Where the router looks other than expected, the guard decides on
 * the parsed body.
 */
export function prepareExpress(
  adapter: ExpressAdapter,
  handlers: ReadonlySet<unknown>,
  setup: WriteKeySetup,
): void {
  const app = adapter.getInstance()

  let known: { layer: Layer; isGuarded: boolean }[] = []
  let knownLength = 0

  function stack(): Layer[] {
    // Express 4 throws on `router`, and Express 5 has no `_router`.
    return (app._router ?? app.router)?.stack ?? []
  }

  /** Nest's routes, guarded ones first. They are registered once, so this is computed once. */
  function nestRoutes(): typeof known {
    const layers = stack()
    if (layers.length === knownLength) return known
    knownLength = layers.length
    known = layers
      .map((layer) => ({ layer, method: methodOfRoute(layer) }))
      .filter(({ method }) => method !== undefined)
      .map(({ layer, method }) => ({ layer, isGuarded: handlers.has(method) }))
      .sort((a, b) => Number(b.isGuarded) - Number(a.isGuarded))
    return known
  }

  adapter.use(function writeKeyPreflight(request, response, next) {
    const reply = request.method === 'OPTIONS' ? setup.keys.preflight(toIngestRequest(request)) : undefined
    if (reply === undefined) return next()
    const path = pathOf(request)
    if (nestRoutes().some(({ layer, isGuarded }) => isGuarded && matches(layer, path))) {
      hideKey(request, reply.carried)
      writeReply(response, reply)
    } else next()
  })

  /**
   * Nest passes from route to route by version and host, so a body is left unread only when all routes that
   * match are guarded.
   */
  function leadsToGuard(request: IncomingMessage): boolean {
    const path = pathOf(request)
    const method = request.method?.toLowerCase() ?? ''
    let found = false
    for (const { layer, isGuarded } of nestRoutes()) {
      if (!isGuarded && !found) return false
      const methods = layer.route?.methods
      if (methods?.[method] !== true && methods?._all !== true) continue
      if (!matches(layer, path)) continue
      if (!isGuarded) return false
      found = true
    }
    return found
  }

  if (setup.bodyReader === 'parser') return
  /** The request that one parser has skipped, so that the next one, called right after, need not check it. */
  let passing: IncomingMessage | undefined
  for (const layer of stack()) {
    if (!bodyParsers.includes(layer.name)) continue
    const parse = layer.handle
    layer.handle = function parseUnlessGuarded(request, response, next): unknown {
      if (request !== passing && !leadsToGuard(request)) return parse(request, response, next)
      passing = request
      try {
        return next()
      } finally {
        passing = undefined
      }
    }
  }
}

function methodOfRoute({ route }: Layer): unknown {
  for (const { handle } of route?.stack ?? []) {
    const method = methodOfRouteHandler(handle)
    if (method !== undefined) return method
  }
  return undefined
}

/** As the router takes it: without query, fragment, and the scheme and host of an absolute target. */
function pathOf({ url = '/' }: IncomingMessage): string {
  return url.replace(/[?#].*$/s, '').replace(/^[a-z][a-z0-9+.-]*:\/\/[^/\\]*/i, '')
}

function matches(layer: Layer, path: string): boolean {
  try {
    return layer.match(path)
  } catch {
    // A path that cannot be decoded: Express refuses it later.
    return false
  }
}

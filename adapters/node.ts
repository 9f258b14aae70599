import type { EventEmitter } from 'node:events'
import type { RequestListener, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import {
  type AdapterOptions,
  badOption,
  ConfigError,
  createNodeGuard,
  createPathTest,
  isContinued,
  isNodeCall,
  type NodeGuard,
  type NodeRequest,
  namesOfNodeRequests,
  type OnNodeRefused,
  refuseForeign,
  requireContext,
  resolveAdapterOptions,
  rewindBody,
  shareShape,
  takeContinue,
  type VerifyingKeys,
  type WriteKeyContext,
} from '../src/adapter/index.ts'

export {
  adminRoutes,
  ingestRoutes,
  type NodeGuard,
  type NodeNext,
  type NodeRequest,
} from '../src/adapter/index.ts'

/** Options of `writeKeyAuth`. */
export type WriteKeyAuthOptions = AdapterOptions<OnNodeRefused>

/** Options of `guardListener` and `guardServer`. */
export interface GuardOptions extends WriteKeyAuthOptions {
  /**
   * What is guarded: everything below this path, or below one of these. Compared as the most lenient router
   * would: decoded, in any case, with runs of slashes and dots resolved.
   */
  path: string | readonly string[]
}

/**
 * Middleware for `node:http` and whatever calls its middleware with Node's request, its response and `next`,
 * such as Connect, Polka, Restify, or Fastify's `@fastify/middie`. What reads the body further in finds the
 * accepted events as JSON. Handlers find `request.writeKey` (for types: `writeKeyOf(request)`), and `request.body`
 * holds the accepted events only.
 *
 * @throws ConfigError for bad options, at once.
 * @example
 * ```ts
 * const auth = writeKeyAuth(keys)
 * createServer((request, response) => auth(request, response, () => { response.end('ok') }))
 * ```
 */
export function writeKeyAuth(keys: VerifyingKeys, options: WriteKeyAuthOptions = {}): NodeGuard {
  const guard = createNodeGuard(
    keys,
    resolveAdapterOptions(keys, options, { takenNames: namesOfNodeRequests }),
  )

  return function writeKeyAuth(request, response, next) {
    if (!isNodeCall(response, next)) {
      refuseForeign('Node', [request, response, next])
      return
    }
    guard(request, response, (error) => {
      if (error === undefined) rewindBody(request, 'at its end')
      next(error)
    })
  }
}

/** A listener of `node:http2`'s compatibility API. */
export type Http2Listener = (request: Http2ServerRequest, response: Http2ServerResponse) => void

/**
 * Puts a guard in front of a framework's listener: refused requests never reach the framework, accepted ones
 * arrive with `request.writeKey` and `request.body`. Requests elsewhere are not touched. An inner guard of
 * the framework's own, with the same keys, neither verifies nor charges again.
 *
 * @param listener an Express app, Koa's `app.callback()`, the handler of Fastify's `serverFactory`, any
 * listener of `node:http`, `node:https` or `node:http2`
 * @throws ConfigError for bad options, at once.
 * @example
 * ```ts
 * createServer(guardListener(app, keys, { path: '/v1' })).listen(3000)
 * ```
 */
export function guardListener(
  listener: RequestListener,
  keys: VerifyingKeys,
  options: GuardOptions,
): RequestListener
export function guardListener(
  listener: Http2Listener,
  keys: VerifyingKeys,
  options: GuardOptions,
): Http2Listener
export function guardListener(
  listener: (request: never, response: never) => unknown,
  keys: VerifyingKeys,
  options: GuardOptions,
): (request: object, response: object) => void {
  if (typeof listener !== 'function') throw badOption('listener', listener, 'a request listener')
  const guard = createPathGuard(keys, options)

  return function guardedListener(this: unknown, request, response) {
    guard(request, response, () => listener.call(this, request as never, response as never))
  }
}

/** Events with a request and its response. An upgrade has a socket, and goes where it went. */
const guardedEvents: ReadonlySet<unknown> = new Set(['request', 'checkContinue', 'checkExpectation'])

/**
 * The same for an existing server: Nest's `app.getHttpServer()`, Fastify's `app.server`. Listeners that are
 * added later are behind it too. A client that sends `Expect: 100-continue` is told to send its body only
 * when it is going to be read.
 *
 * @returns the server
 * @throws ConfigError for bad options, at once.
 * @example
 * ```ts
 * guardServer(app.getHttpServer(), keys, { path: '/v1' })
 * ```
 */
export function guardServer<Server extends EventEmitter & { close(...args: never[]): unknown }>(
  server: Server,
  keys: VerifyingKeys,
  options: GuardOptions,
): Server {
  assertHttpServer(server)
  const guard = createPathGuard(keys, options)
  const emit = server.emit.bind(server)

  const isAnsweredBehind = takeContinue(server)
  server.emit = function emitBehindGuard(event: string | symbol, ...args: unknown[]): boolean {
    const [request, response] = args
    if (!guardedEvents.has(event)) return emit(event, ...args)
    guard(request as object, response as object, () => {
      if (event !== 'checkContinue' || isAnsweredBehind()) {
        emit(event, ...args)
        return
      }
      if (!isContinued(response as ServerResponse)) (response as ServerResponse).writeContinue()
      emit('request', ...args)
    })
    return true
  }
  return server
}

/** What servers of HTTP have in every runtime. An app of Express or Koa emits events too, but never requests. */
const methodsOfServers = ['on', 'emit', 'listen', 'close', 'setTimeout']

function assertHttpServer(server: unknown): void {
  const has = (name: string) => typeof (server as Record<string, unknown> | null)?.[name] === 'function'
  if (typeof server === 'object' && server !== null && methodsOfServers.every(has)) return
  const expected = 'an HTTP server, such as createServer(…) or app.listen(…) returns'
  const listener =
    typeof server === 'function' ? 'app' : server && has('callback') ? 'app.callback()' : undefined
  if (listener === undefined) throw badOption('server', server, expected)
  const what = listener === 'app' ? 'a listener' : 'an app'
  throw new ConfigError(
    'server',
    `server must be ${expected}; this is ${what}: use guardListener(${listener}, keys, { path }).`,
  )
}

/**
 * Calls `pass` at once for requests elsewhere, and for accepted ones when their body can be read once more.
 */
function createPathGuard(keys: VerifyingKeys, options = {} as GuardOptions) {
  const guard = createNodeGuard(
    keys,
    resolveAdapterOptions(keys, options, {
      ownNames: ['path'],
      owner: 'The guard',
      takenNames: namesOfNodeRequests,
    }),
  )
  const couldBeBelow = createPathTest(options.path)
  /** Whether the last response got another prototype from the listener, as Express gives it: then the next one will. */
  let replacesPrototype = false

  function passOn(response: ServerResponse, pass: () => void): void {
    if (replacesPrototype) shareShape(response, 'sendDate')
    const prototype: unknown = Object.getPrototypeOf(response)
    pass()
    replacesPrototype = Object.getPrototypeOf(response) !== prototype
  }

  return function guardPath(given: object, answer: object, pass: () => void): void {
    const [request, response] = [given as NodeRequest, answer as ServerResponse]
    if (!couldBeBelow(request.url ?? '/')) {
      pass()
      return
    }
    guard(request, response, (error) => {
      if (error !== undefined) return answerFailure(response, error)
      rewindBody(request)
      passOn(response, pass)
    })
  }
}

/** For what should not happen: nobody else would answer, and the client can retry. */
function answerFailure(response: ServerResponse, error: unknown): void {
  process.emitWarning(error instanceof Error ? error : String(error))
  if (response.headersSent) response.destroy()
  else response.writeHead(503, { 'retry-after': '5' }).end()
}

/**
 * What a guard has stored for this request, whatever `requestProperty` says.
 * @param request Node's own
 * @throws Error when the request has not passed one.
 */
export function writeKeyOf(request: object): WriteKeyContext {
  return requireContext(request)
}

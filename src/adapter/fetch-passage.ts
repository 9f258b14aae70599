import type { IncomingMessage, ServerResponse } from 'node:http'
import { bodyStreamOf } from '../http/fetch-request.ts'
import type { NodeMessage } from './node-request.ts'
import { hasPassed, rememberWith } from './request-context.ts'

/** What `@hono/node-server` provides as `c.env.incoming`. */
export interface Incoming {
  readonly method?: string
  readonly url?: string
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly readableDidRead?: boolean
}

/**
 * The object that identifies a web-standard request for `verifyOnce`. The request itself if it has passed a
 * guard; its body, if it was made from a request that has passed, as Hono's `mount` and method-override do;
 * or Node's request. Otherwise the request.
 *
 * @param incoming Node's request, where the framework says which one it is
 */
export function passedAs(request: Request, incoming: Incoming | undefined): object {
  if (hasPassed(request)) return request
  if (incoming === undefined) {
    const node = nodeRequestOf(request)
    // What is made of Node's request has a body of its own. To ask for it would leave what a refusal does not read to us.
    if (node !== undefined) return hasPassed(node) ? node : request
  }
  const isIncoming = incoming !== undefined && hasPassed(incoming)
  // Its body is asked for only where it may be somebody else's: to make it takes longer than all the rest.
  if (incoming !== undefined && isMadeOf(request, incoming)) return isIncoming ? incoming : request
  const body = bodyStreamOf(request)
  if (body !== null) return hasPassed(body) ? body : request
  return isIncoming && isAlike(request, incoming) ? incoming : request
}

/** Node's request that a web-standard one was made of: kept under a symbol by `@hono/node-server`, and as `runtime.node.req` by srvx. */
function nodeRequestOf(request: Request): object | undefined {
  return keptNodeRequest(request) ?? nodeOf(request)?.req
}

/** Node's request, where `@hono/node-server` has made this one of it. */
export function keptNodeRequest(request: Request): (Incoming & NodeMessage) | undefined {
  // Whatever was passed as one.
  const symbols = Object.getOwnPropertySymbols(Object(request))
  return symbols.map((key) => (request as never)[key] as unknown).find(isNodeRequest)
}

/** What srvx has made a request of, on Node. */
export interface NodeBehind {
  readonly req?: IncomingMessage
  readonly res?: ServerResponse
}

/** Node's request and response, where srvx has made this one of them. */
export function nodeOf(request: Request): NodeBehind | undefined {
  return (request as { runtime?: { node?: NodeBehind } }).runtime?.node
}

function isNodeRequest(value: unknown): value is Incoming & NodeMessage {
  return typeof value === 'object' && value !== null && 'rawHeaders' in value && 'socket' in value
}

/** The symbol under which `@hono/node-server` keeps Node's request, once it has been seen. */
let incomingKey: symbol | undefined

function isMadeOf(request: Request, incoming: Incoming): boolean {
  if (incomingKey !== undefined && isKeptUnder(incomingKey, request, incoming)) return true
  const found = Object.getOwnPropertySymbols(request).find((key) => isKeptUnder(key, request, incoming))
  incomingKey = found ?? incomingKey
  return found !== undefined
}

function isKeptUnder(key: symbol, request: object, incoming: Incoming): boolean {
  return Object.hasOwn(request, key) && (request as Record<symbol, unknown>)[key] === incoming
}

/**
 * Where the body of a request is that `@hono/node-server` has made of Node's: `'unread'` in Node's request, while nobody has asked for
 * headers or body of the other one; `'gone'` when somebody has read Node's request behind its back. Undefined in every other case.
 */
export function nodeBodyOf(request: Request, incoming: Incoming | undefined): 'unread' | 'gone' | undefined {
  if (incoming === undefined || hasPassed(incoming) || incoming.method !== request.method) return undefined
  if (!isMadeOf(request, incoming)) return undefined
  const made = madeOnDemand(request, incoming)
  if (made === 'request') return undefined
  if (incoming.readableDidRead === true) return request.bodyUsed || 'rawBody' in incoming ? undefined : 'gone'
  return made === 'headers' ? undefined : 'unread'
}

/** What `@hono/node-server` has already made of Node's request because somebody asked for it. */
function madeOnDemand(request: Request, incoming: Incoming): 'request' | 'headers' | undefined {
  let made: 'headers' | undefined
  for (const key of Object.getOwnPropertySymbols(request)) {
    const value: unknown = (request as unknown as Record<symbol, unknown>)[key]
    // Its `Request` takes long to say that something is none.
    if (typeof value !== 'object' || value === null || value === incoming) continue
    if (value instanceof Request) return 'request'
    if (value instanceof Headers) made = 'headers'
  }
  return made
}

/** Without a body, others cannot have replaced the accepted events. */
function isAlike(request: Request, { method, headers }: Incoming): boolean {
  return (
    request.method === method && (request.headers.get('authorization') ?? undefined) === headers.authorization
  )
}

/**
 * Remembers a passage with everything that a new request is made from, see {@link passedAs}. No other code
 * can make such a body, and inner guards use the accepted events, not its bytes.
 *
 * @param request one that has passed, as handlers get it
 * @param holder what the passage is remembered with so far, when that is not the request
 */
export function rememberPassage(request: Request, incoming?: Incoming, holder?: object): void {
  if (holder !== undefined) rememberWith(request, holder)
  const body = bodyStreamOf(request)
  if (body === null) {
    if (incoming !== undefined) rememberWith(incoming, request)
    return
  }
  rememberWith(body, request)
  // `new Request(request, …)` pipes the body of the old one into a new one.
  body.pipeThrough = pipeRemembered as typeof body.pipeThrough
}

function pipeRemembered(
  this: ReadableStream<Uint8Array>,
  ...to: Parameters<ReadableStream<Uint8Array>['pipeThrough']>
): ReturnType<ReadableStream['pipeThrough']> {
  const piped = Reflect.apply(ReadableStream.prototype.pipeThrough, this, to)
  rememberWith(piped, this)
  return piped
}

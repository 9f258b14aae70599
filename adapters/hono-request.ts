import type { IncomingMessage } from 'node:http'
import type { Context } from 'hono'
import {
  BodyTakenError,
  bodyOf,
  computedProperty,
  copyJson,
  type FetchRequestHints,
  hasUnsaidContent,
  hideKey,
  type Incoming,
  isReset,
  type NodeMessage,
  type nodeBodyOf,
  type ReadBody,
  toHeaders,
  withAcceptedBody,
} from '../src/adapter/index.ts'
import type { CarriedKey } from '../src/index.ts'

/** Node's request, where `@hono/node-server` provides it. */
export function incomingOf(c: Context): (Incoming & NodeMessage) | undefined {
  const incoming: unknown = (c.env as { incoming?: unknown } | undefined)?.incoming
  return typeof incoming === 'object' && incoming !== null && 'headers' in incoming
    ? (incoming as ReturnType<typeof incomingOf>)
    : undefined
}

/** @param nodeBody where the body of Node's request is */
export function toHints(
  c: Context,
  ip: ((c: Context) => string | undefined) | undefined,
  nodeBody: ReturnType<typeof nodeBodyOf>,
): FetchRequestHints {
  const incoming = incomingOf(c)
  const isBodiless = c.req.raw.method === 'GET' || c.req.raw.method === 'HEAD'
  return {
    headers: nodeBody === 'unread' && incoming !== undefined ? toHeaders(incoming) : undefined,
    readBody: isBodiless || incoming === undefined ? undefined : readerOf(c, incoming, nodeBody),
    ip: ip && (() => ip(c)),
    isReset: incoming !== undefined && isReset(incoming.socket),
    readTaken: () => readParsed(c),
    // An app's own `getPath` may lead to another route than the URL.
    routedPath: c.req.path,
    // Other methods may create requests from it.
    hasUnsaidContent:
      incoming !== undefined && incoming.method === c.req.raw.method && hasUnsaidContent(incoming),
  }
}

function readerOf(
  c: Context,
  incoming: Incoming,
  nodeBody: ReturnType<typeof nodeBodyOf>,
): ReadBody | undefined {
  if (nodeBody === 'gone') return () => readParsed(c)
  return nodeBody === 'unread' ? (bodyOf(incoming) as ReadBody) : undefined
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

/**
 * Puts the accepted events in place of the body. To make a request that has them takes longer than all the rest, so it is made for those
 * who ask for it. Hono asks before it looks at what it keeps of the body: that is done here.
 */
export function showAccepted(
  { req }: Context,
  accepted: unknown,
  isNodes: boolean,
  remember: (made: Request) => void,
): void {
  const shown = req.raw
  const json = Promise.resolve(accepted)
  req.bodyCache = { json } as unknown as typeof req.bodyCache
  const overlaid = req as unknown as Overlaid
  overlaid[acceptedBody] = json
  overlaid.json = acceptedJson
  overlaid.text = acceptedText
  defineRaw(req, { shown, accepted, isNodes, remember, raw: undefined })
}

const acceptedBody = Symbol('the accepted events')

/** What is laid over Hono's request. */
interface Overlaid {
  bodyCache: Context['req']['bodyCache']
  json(): Promise<unknown>
  text(): Promise<string>
  [acceptedBody]?: Promise<unknown>
}

/** The same function for all requests, see `computedProperty`. Each caller gets objects of its own, as from Hono. */
function acceptedJson(this: Overlaid): Promise<unknown> {
  return keptBody(this)?.then(copyJson) ?? Object.getPrototypeOf(this).json.call(this)
}

function acceptedText(this: Overlaid): Promise<string> {
  return keptBody(this)?.then(toJson) ?? Object.getPrototypeOf(this).text.call(this)
}

function toJson(value: unknown): string {
  return JSON.stringify(value)
}

/** Somebody may have put another body in its place. */
function keptBody({ bodyCache, [acceptedBody]: accepted }: Overlaid): Promise<unknown> | undefined {
  const { json, text } = bodyCache as { json?: unknown; text?: unknown }
  return json === accepted && text === undefined ? accepted : undefined
}

interface AcceptedRaw {
  readonly shown: Request
  readonly accepted: unknown
  readonly isNodes: boolean
  remember(made: Request): void
  raw: Request | undefined
}

const defineRaw = computedProperty<AcceptedRaw>('raw', {
  get(state) {
    if (state.raw === undefined) {
      state.raw = withAcceptedBody(state.shown, JSON.stringify(state.accepted), state.isNodes)
      state.remember(state.raw)
    }
    return state.raw
  },
  set(state, other) {
    state.raw = other as Request
  },
})

/** Hono keeps the path and what its router has found in it. */
export function hideInRequest(c: Context, shown: Request, carried: CarriedKey): void {
  const { req } = c
  req.raw = shown
  if (!carried.inUrl) return
  // Decoded, unlike the URL.
  req.path = carried.hideParameter(req.path) as string
  const param = req.param.bind(req) as (name?: string) => unknown
  const hidden = (name?: string) => {
    const value = name === undefined ? param() : param(name)
    if (typeof value !== 'object' || value === null) return carried.hideParameter(value)
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, carried.hideParameter(one)]))
  }
  Object.defineProperty(req, 'param', { configurable: true, value: hidden })
}

export function hideInIncoming(incoming: Incoming | undefined, carried: CarriedKey | undefined): void {
  if (incoming !== undefined) hideKey(incoming as unknown as IncomingMessage, carried)
}

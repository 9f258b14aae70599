import type { IncomingMessage, ServerResponse } from 'node:http'
import { closesUnread } from '../http/connection-close.ts'
import { bodyTooLarge } from '../http/fetch-request.ts'
import type { ReadBody } from '../http/ingest-request.ts'
import type { ParsedBody } from '../http/parsed-body.ts'
import { isPlainPath } from '../http/plain-path.ts'
import { endUnreadStream } from '../http/unread-stream.ts'
import { forbiddenMethod, makeRequest } from './made-request.ts'
import { bodyOf, toHeaders } from './node-request.ts'

/** A web-standard handler, such as the management API. */
export interface FetchHandler {
  fetch(request: Request, info: { address?: string | undefined }): Promise<Response>
  /** Whether the handler serves this path, as the handler will see it. */
  handles(path: string): boolean
}

/** What a framework knows beyond the Node request itself. */
export interface FetchHints {
  /** The URL within the mount point, from its slash on. Default: `request.url`. */
  url?: string | undefined
  /** Where body parsers leave their result when that is not the request itself (Koa, Fastify). */
  parsed?: ParsedBody
  /** Most bytes of a body that are handed on. Default: 1 048 576; handlers have limits of their own. */
  maxBodyBytes?: number
}

/**
 * Answers a Node request by a web-standard handler. Works before and after body parsers. Streams the answer,
 * and ends it when the client goes away; JSON, pages and their parts are sent whole, with their length. Does nothing when somebody has answered already.
 */
export async function answerByFetch(
  handler: FetchHandler,
  request: IncomingMessage,
  response: ServerResponse,
  hints: FetchHints = {},
): Promise<void> {
  const abort = new AbortController()
  const onClose = () => abort.abort()
  response.once('close', onClose)
  try {
    const body = toBody(request, hints.parsed, hints.maxBodyBytes ?? 1_048_576)
    const address = request.socket?.remoteAddress
    const answer = await handler.fetch(
      toFetchRequest(request, hints.url ?? request.url ?? '/', body.value, abort.signal),
      { address },
    )
    if (response.headersSent || response.writableEnded) return
    await writeAnswer(response, answer, request.method === 'HEAD', body.isUnread())
  } finally {
    response.off('close', onClose)
  }
}

type RequestBody = string | Uint8Array | ReadableStream<Uint8Array> | null

function toFetchRequest(
  request: IncomingMessage,
  url: string,
  body: RequestBody,
  signal: AbortSignal,
): Request {
  const headers = new Headers()
  for (const [name, value] of Object.entries(toHeaders(request))) {
    // Pseudo-headers of HTTP/2 are not header fields.
    if (value === undefined || name.startsWith(':')) continue
    // serverless-http puts a length there as a number.
    for (const one of Array.isArray(value) ? value : [value]) headers.append(name, String(one))
  }
  // What HTTP/2 has in place of the field (RFC 9113, 8.3.1).
  const authority = request.headers[':authority']
  if (authority !== undefined) headers.set('host', String(authority))
  if (body !== null && !(body instanceof ReadableStream)) {
    // A parser has inflated it, and its result has another length.
    headers.delete('content-encoding')
    headers.delete('content-length')
  }
  const method = request.method ?? 'GET'
  // A handler must see the others to refuse them.
  const hasBody = !forbiddenMethod.test(method) && method !== 'GET' && method !== 'HEAD' && body !== null
  return makeRequest(toTarget(url), {
    method,
    headers,
    signal,
    ...(hasBody && { body, duplex: 'half' }),
  } as RequestInit & { method: string })
}

/**
 * The host is never taken from the request: nothing is built from it. It is one that no page has as its own (RFC 6761, 6.4). A path that the URL parser would fold
 * into another becomes `/`, which no operation has: code that checked the path before us has seen what was
 * sent.
 */
function toTarget(url: string): URL {
  const isPlain = !url.includes('#') && isPlainPath(pathOf(url))
  return new URL(`http://host.invalid${isPlain ? url : '/'}`)
}

/** The path of a request target, without its query. */
export function pathOf(url = '/'): string {
  const end = url.indexOf('?')
  return end === -1 ? url : url.slice(0, end)
}

/** An unread body as a stream that reads on demand; otherwise the result of a parser. */
function toBody(
  request: IncomingMessage,
  parsed: ParsedBody | undefined,
  maxBodyBytes: number,
): { value: RequestBody; isUnread(): boolean } {
  const body = parsed === undefined ? bodyOf(request) : bodyOf(request, parsed)
  if (typeof body === 'function') {
    let asked = false
    const value = new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          asked = true
          const bytes = await (body as ReadBody)(maxBodyBytes)
          if (bytes === null) throw bodyTooLarge()
          if (bytes.length > 0) controller.enqueue(typeof bytes === 'string' ? Buffer.from(bytes) : bytes)
          controller.close()
        },
      },
      { highWaterMark: 0 },
    )
    return { value, isUnread: () => !asked }
  }
  return { value: toText(body), isUnread: () => false }
}

/** A parser's empty object stands for no body as often as for `{}`. */
function toText(body: unknown): string | Uint8Array | null {
  if (body === undefined || body === null) return null
  if (typeof body === 'string' || body instanceof Uint8Array) return body
  return JSON.stringify(body) ?? null
}

/** Types whose content is not sent piece by piece. */
const madeAtOnce = /^(?:application\/(?:[\w.+-]+\+)?json|text\/(?:html|css|javascript))\b/i

async function writeAnswer(
  response: ServerResponse,
  answer: Response,
  isHead: boolean,
  isUnread: boolean,
): Promise<void> {
  response.statusCode = answer.status
  for (const [name, value] of answer.headers) response.setHeader(name, value)
  // The rest must be read before the connection can serve another request; better to close it.
  if (closesUnread(response, isUnread)) response.setHeader('connection', 'close')
  endUnreadStream(response)
  if (isHead || answer.body === null) {
    await answer.body?.cancel()
    response.end()
    return
  }
  if (madeAtOnce.test(answer.headers.get('content-type') ?? '')) {
    const bytes = new Uint8Array(await answer.arrayBuffer())
    if (response.destroyed || response.writableEnded) return
    // Serverless adapters take a body in chunks apart once more.
    response.setHeader('content-length', bytes.length)
    response.end(bytes)
    return
  }
  const reader = answer.body.getReader()
  response.once('close', () => void reader.cancel().catch(() => {}))
  for (;;) {
    const { done, value } = await reader.read()
    // A server that stops ends streams from outside.
    if (done || response.destroyed || response.writableEnded) break
    // A replacement response of serverless adapters returns nothing, and never drains.
    if (response.write(value) === false) await drained(response)
  }
  response.end()
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const onDone = () => {
      response.off('drain', onDone)
      response.off('close', onDone)
      resolve()
    }
    response.on('drain', onDone)
    response.on('close', onDone)
  })
}

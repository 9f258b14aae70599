import {
  bodyOf,
  type FetchRequestHints,
  hasUnsaidContent,
  type keptNodeRequest,
  nodeOf,
  type ReadBody,
  type Reply,
  setReplyHeaders,
  toHeaders,
  toResponse,
} from '../src/adapter/index.ts'

/** Node's request, behind a web-standard one. */
export type NodeRequest = NonNullable<ReturnType<typeof keptNodeRequest>>

/**
 * What there is to read in Node's request. Once the other one has been asked for its body, `@hono/node-server` no longer throws away what
 * a refusal leaves of it, and ends the connection under the next request.
 */
export function nodeHints(incoming: NodeRequest): FetchRequestHints {
  const isBodiless = incoming.method === 'GET' || incoming.method === 'HEAD'
  return {
    headers: toHeaders(incoming),
    readBody: isBodiless ? undefined : (bodyOf(incoming) as ReadBody),
    hasUnsaidContent: hasUnsaidContent(incoming),
  }
}

/**
 * srvx and `@hono/node-server` throw away a body that nobody has begun to read. Of one that was begun the first never reads the rest, and leaves the
 * connection open: no answer would come on it any more. The second ends the connection half a second later, unless the body has ended.
 */
export function refuse(
  request: Request,
  reply: Reply,
  incoming: NodeRequest | undefined,
  isNodes: boolean,
): Response {
  const { connection } = reply.headers
  const response = toResponse(reply)
  if (connection === undefined) return response
  if (isNodes) incoming?.resume?.()
  else if (incoming?.readableDidRead) response.headers.set('connection', connection)
  const { req, res } = nodeOf(request) ?? {}
  if (res !== undefined && req?.readableDidRead === true)
    setReplyHeaders(res, { connection, 'content-length': `${Buffer.byteLength(reply.body)}` })
  return response
}

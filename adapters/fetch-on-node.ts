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
 * srvx and `@hono/node-server` throw away a body that nobody has begun to read, and the second also what is left of one that was read from Node's
 * request. Of others that were begun the first never reads the rest, and no answer would come on the connection any more; the second ends it half a second later.
 * So the answer says that it ends.
 * @param incoming Node's request of `@hono/node-server`, whose body was read elsewhere
 * @param own what the application answers instead
 */
export function refuse(
  request: Request,
  reply: Reply,
  incoming: NodeRequest | undefined,
  own: Response | undefined,
): Response {
  const { connection } = reply.headers
  const response = own ?? toResponse(reply)
  if (connection === undefined) return response
  // One of the application may have headers that nobody can change.
  if (incoming?.readableDidRead && own === undefined) response.headers.set('connection', connection)
  const { req, res } = nodeOf(request) ?? {}
  if (res !== undefined && req?.readableDidRead === true) {
    const ofOurs = { connection, 'content-length': `${Buffer.byteLength(reply.body)}` }
    setReplyHeaders(res, own === undefined ? ofOurs : { connection })
  }
  return response
}

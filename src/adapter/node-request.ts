import type { FieldValues, ReadBody } from '../http/ingest-request.ts'
import { type ParsedBody, parsedBodyOf, type ReadRequest } from '../http/parsed-body.ts'
import type { BodyStream } from '../http/raw-body.ts'
import type { SocketAddresses } from '../http/reset-socket.ts'
import { createStreamReader } from '../http/stream-reader.ts'

/**
 * The header fields of a Node request, with a repeated `authorization` as an array of all its values: Node
 * keeps only the first, or joins them under `joinDuplicateHeaders`. Otherwise `request.headers` itself.
 */
export function toHeaders(request: { headers: FieldValues; rawHeaders?: readonly string[] }): FieldValues {
  const { headers, rawHeaders } = request
  if (headers.authorization === undefined || rawHeaders === undefined) return headers
  let count = 0
  for (let i = 0; i < rawHeaders.length; i += 2) if (isAuthorization(rawHeaders[i])) count++
  if (count < 2) return headers
  const values = rawHeaders.filter((_, i) => i % 2 === 1 && isAuthorization(rawHeaders[i - 1]))
  return { ...headers, authorization: values }
}

/**
 * In HTTP/2 a request may have content without a field that says so (RFC 9113, 8.1). HTTP/1 would name a
 * transfer coding.
 */
export function hasUnsaidContent(request: NodeMessage): boolean {
  if (request.httpVersionMajor < 2 || request.headers['content-length'] !== undefined) return false
  return request.stream?.endAfterHeaders === false
}

export interface NodeMessage {
  readonly socket?: SocketAddresses
  readonly httpVersionMajor: number
  readonly headers: FieldValues
  /** Of HTTP/2. */
  readonly stream?: { readonly endAfterHeaders?: boolean }
}

function isAuthorization(name: string | undefined): boolean {
  return name?.length === 13 && name.toLowerCase() === 'authorization'
}

/**
 * The body of a Node request for `IngestRequest.body`. While nobody has read the stream, a reader. Otherwise
 * the raw body if somebody kept it, or what was parsed. When nothing is left that can be judged, a reader
 * that throws a `BodyTakenError`: that is only reported for requests with a good key.
 *
 * @param request a Node request, or an object that resembles one and has no stream
 * @param parsed where parsers leave their result when that is not the request itself (Koa, Fastify)
 */
export function bodyOf(request: object, parsed: ParsedBody = request): unknown {
  if ((request as Partial<BodyStream>).readableDidRead === false)
    return createStreamReader(request as BodyStream)
  try {
    return parsedBodyOf(request as ReadRequest, parsed)
  } catch (error) {
    return refuseToRead(error)
  }
}

function refuseToRead(error: unknown): ReadBody {
  return function readTakenBody() {
    throw error
  }
}

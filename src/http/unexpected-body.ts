import { nodeTypes } from '../runtime/built-ins.ts'
import type { IngestRequest } from './ingest-request.ts'

/**
 * Whether a request has content: bytes on their way (RFC 9112 section 6.3), or a body that is parsed already.
 * A body that is not read yet and that no header announces counts as none.
 */
export function hasContent({ headers, body }: Pick<IngestRequest, 'headers' | 'body'>): boolean {
  const { 'content-length': length, 'transfer-encoding': coding } = headers
  if (coding !== undefined && coding !== '') return true
  if (length !== undefined && Number(String(length)) !== 0) return true
  return body !== undefined && body !== null && isContent(body)
}

/** Body parsers leave `{}` and `''` when there was nothing to parse. */
function isContent(body: unknown): boolean {
  if (typeof body === 'function') return false
  if (typeof body !== 'object' || body === null) return body !== ''
  if (ArrayBuffer.isView(body) || nodeTypes().isAnyArrayBuffer(body)) return body.byteLength > 0
  if (Array.isArray(body)) return body.length > 0
  if (isUnread(body)) return false
  if (typeof (body as Partial<Blob>).arrayBuffer === 'function')
    return (body as Partial<Request>).body !== null
  return !isEmptyObject(body)
}

/** A Node stream or a promise: only the headers tell whether it has content. */
function isUnread(body: object): boolean {
  const { pipe, then } = body as { pipe?: unknown; then?: unknown }
  return typeof pipe === 'function' || typeof then === 'function'
}

function isEmptyObject(body: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(body)
  return (prototype === Object.prototype || prototype === null) && Object.keys(body).length === 0
}

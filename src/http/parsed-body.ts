import type { IncomingHttpHeaders } from 'node:http'
import { nodeTypes } from '../runtime/built-ins.ts'
import { isFormObject, isSplitText } from './form-signs.ts'
import { isPlainObject } from './plain-object.ts'

/** What a body parser may have left behind. */
export interface ParsedBody {
  body?: unknown
  /** The bytes or text as received, kept by Nest's `rawBody: true`, koa-bodyparser and cloud functions. */
  rawBody?: unknown
}

/**
 * A Node request, as far as it shows whether somebody has read it. All of it is missing when an object only
 * resembles a request.
 */
export interface ReadRequest {
  readonly headers?: IncomingHttpHeaders
  /** Whether bytes of a body have come and been taken: false for a body that turned out empty. */
  readonly readableDidRead?: boolean
  /** Set by body-parser 1 where it reads. Version 2 leaves no such mark. */
  readonly _body?: boolean
}

const fix = 'mount writeKeyAuth before it, or limit it to the paths that need it'

/** Fixed texts: each is logged once, and no sender can cause another one. */
const formTaken =
  'a form parser in front of writeKeyAuth (express.urlencoded(), bodyParser.urlencoded(), koa-bodyparser, koa-body ' +
  `or the like) has taken a request body, and events cannot be told from what it left: ${fix}`
const partsTaken =
  'a parser of uploads in front of writeKeyAuth (multer, express-fileupload, koa-body or the like) has taken a ' +
  `request body, and events cannot be told from what it left: ${fix}`
const xmlTaken =
  'an XML parser in front of writeKeyAuth has taken a request body, and events cannot be told from what it left: ' +
  fix
export const textTaken = `something in front of writeKeyAuth has called setEncoding() on a request, and the bytes of its body cannot be told from that text: ${fix}`
export const compressedText = `something in front of writeKeyAuth has kept a compressed request body as text, and its bytes cannot be told from that: keep them as a Buffer, or ${fix}`
export const nothingKept = `something in front of writeKeyAuth has read a request body, or a part of it, and kept nothing: ${fix}`

/**
 * Something in front of us has taken the body and left nothing that events can be read from. The set-up is at
 * fault, not the sender, who may retry. The message names the cause and the fix and quotes nothing of the
 * request.
 */
export class BodyTakenError extends Error {
  readonly code = 'body_taken'
  override readonly name = 'BodyTakenError'
}

/**
 * What a parser left of a body that cannot be read any more: the text or bytes where somebody kept them,
 * since they survive a parser that took JSON for a form; otherwise a value that can only come from JSON.
 *
 * @throws BodyTakenError when there is neither.
 */
export function parsedBodyOf(request: ReadRequest, { rawBody, body }: ParsedBody): unknown {
  if (isText(rawBody) && rawBody.length > 0) return rawBody
  if (isText(body)) return body
  const { headers = {}, readableDidRead = false } = request
  if (body === undefined || body === null) {
    if (readableDidRead) throw new BodyTakenError(nothingKept)
    return undefined
  }
  const parser =
    otherParser(headers['content-type'] ?? '') ?? (isFormObject(body, headers) ? formTaken : undefined)
  if (parser !== undefined) throw new BodyTakenError(parser)
  if (!readableDidRead || !isEmptyObject(body)) return body
  if (headers['content-length'] === '0') return undefined
  if (mayBeSent(request)) return body
  throw new BodyTakenError(nothingKept)
}

function isText(value: unknown): value is string | Uint8Array {
  return typeof value === 'string' || nodeTypes().isUint8Array(value)
}

function otherParser(contentType: string): string | undefined {
  const [mediaType = ''] = contentType.split(';')
  const type = mediaType.trim().toLowerCase()
  if (type === 'application/x-www-form-urlencoded') return formTaken
  if (type.startsWith('multipart/')) return partsTaken
  return /[/+]xml$/.test(type) ? xmlTaken : undefined
}

/** Whether a body that somebody has put in place of ours may hold events: not nothing, text, or what a form parser left. */
export function mayHoldEvents(body: unknown): boolean {
  return Array.isArray(body) || (isPlainObject(body) && !isEmptyObject(body) && !isSplitText(body))
}

export function isEmptyObject(body: unknown): boolean {
  return typeof body === 'object' && body !== null && !Array.isArray(body) && Object.keys(body).length === 0
}

/**
 * Parsers leave `{}` for a `{}` that was sent, and for what they did not read. Whether it was sent is told by
 * body-parser 1, and otherwise by the length. A JSON body without a length counts as sent: where something in
 * front takes bodies and keeps nothing, those with a length show it.
 */
function mayBeSent({ headers = {}, _body: isParsed }: ReadRequest): boolean {
  const length = headers['content-length']
  // Of `&` or `=`, a form parser leaves nothing.
  if (length === '1') return false
  if (isParsed === true) return true
  if (length === undefined) return isJson(headers['content-type'])
  const shortest = shortestMember[headers['content-encoding']?.toLowerCase() ?? 'identity']
  return shortest !== undefined && Number(length) < shortest
}

/** Bytes of `{"":0}`, the shortest object that is not empty, in a coding that cannot shorten it. */
const shortestMember: Readonly<Record<string, number | undefined>> = { identity: 6, deflate: 14, gzip: 26 }

function isJson(contentType = ''): boolean {
  return /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(contentType.trim())
}

import type { Awaitable } from '../runtime/awaitable.ts'

/** Header or query values by name; a repeated one is an array. Header names are lower case. */
export type FieldValues = Readonly<Record<string, string | readonly string[] | undefined>>

/**
 * Reads the raw request body. Called at most once, and only when the sequence of checks gets that far.
 * Resolves to the bytes as received (still compressed), or to more than `maxBytes` bytes, or `null`, as soon
 * as the body turns out to be longer: it stops reading then. Rejects with an `Error` of `code:
 * 'client_aborted'` when the client went away.
 *
 * A reader that takes what comes piece by piece calls `hold` with the length of each piece that it is about
 * to keep; when that gives false there is no room for more, and the reader stops and resolves to `null`.
 */
export type ReadBody = (
  maxBytes: number,
  hold?: (bytes: number) => boolean,
) => Awaitable<Uint8Array | string | null>

/** The web platform's `Headers`, or anything else that lists names and values as it does. */
export interface HeadersLike {
  forEach(callback: (value: string, name: string) => void): void
}

/** A request as `verify` takes it. */
export interface IngestRequestInit extends Omit<IngestRequest, 'headers'> {
  /**
   * By name, in any case, or a `Headers`. A repeated `authorization` must arrive as an array, so that it can
   * be refused.
   */
  headers: FieldValues | HeadersLike
}

/** A request as the verifier sees it, free of any framework. Nothing in it is trusted. */
export interface IngestRequest {
  method: string
  /**
   * The whole path as requested, mount points included, without the query: percent signs, dots and slashes as
   * they came, a fragment too, should there be one.
   */
  path: string
  /** The query as a string (with or without `?`) or already parsed. Read only where a key may be in it. */
  query?: string | URLSearchParams | FieldValues
  /** Lower-case names. A repeated `authorization` must arrive as an array, so that it can be refused. */
  headers: FieldValues
  /** The socket's address, not a forwarded one. */
  ip?: string
  /**
   * What JSON made of it when somebody has parsed it (a plain object or an array); bytes (`Buffer`, any other
   * view, `ArrayBuffer`) or text, which are parsed; or a {@link ReadBody}, called only when the sequence of
   * checks gets that far.
   *
   * A stream of Node's or of the web, a `Request`, a `Blob` or a promise is read within the limit. Anything
   * else (a `Map`, a `FormData`, an instance of a class, an object without a prototype, as form parsers make
   * them and JSON parsers do not) is refused as a fault of the caller: 503, `internal_error` for `onEvent`,
   * which names it.
   */
  body?: unknown
  /** The event type of this route when the path does not say it; `'batch'`: each event says its own. */
  eventType?: string
  /**
   * The workspace that the key must be of, or what tells it; any other key is refused with `wrong_workspace`.
   * One that is there but is no text refuses every key, and never means any.
   */
  workspace?: string | (() => unknown)
  /**
   * Where this route's senders present their key, when that is not where all others do. Set by routes, never
   * by senders.
   */
  credentials?: CredentialSource | readonly CredentialSource[]
  /**
   * Where the bodies of this route keep their events, when that is not where all others do. Set by routes,
   * never by senders.
   */
  batchFields?: readonly string[]
  /** What the bodies of this route are, when they are not simply JSON. Set by routes, never by senders. */
  bodyForm?: BodyForm
}

/**
 * Brings bodies of a sender's own form to the one that is judged and handed on. Bytes that begin as gzip does
 * are inflated first, labelled or not.
 */
export interface BodyForm {
  /** @returns undefined for what cannot be read */
  parse(body: Uint8Array | string): { value: unknown } | undefined
  /** The same for what somebody has parsed. */
  shape(value: unknown): unknown
}

/**
 * A place where a key may be presented.
 *
 * - `'basic'`: the user name of HTTP Basic, with an empty password · `'bearer'`: `Authorization: Bearer KEY`
 * - `'header'`: `X-Write-Key` · `{ header }`: another header
 * - `'query'`: `?writeKey=` or `?writekey=` · `{ query }`: another parameter, spelled exactly so
 * - `{ path: '/e/:key' }`: a segment of the path, which has to end so, below whatever mount point
 * - `'body'`: `writeKey` in the JSON body · `{ body }`: another property of it
 * - a function that finds it
 */
export type CredentialSource =
  | 'basic'
  | 'bearer'
  | 'header'
  | 'query'
  | 'body'
  | { readonly header: string }
  | { readonly query: string }
  | { readonly path: string }
  | { readonly body: string }
  | FindKey

/**
 * Finds what a request presents as its key; `undefined` or `null`: nothing. Anything but text is refused as a
 * malformed key. A throw or a rejection refuses the request with 503.
 */
export type FindKey = (request: CredentialRequest) => Awaitable<string | undefined | null>

/** A request as a function among the `credentials` gets it. */
export interface CredentialRequest extends Omit<IngestRequest, 'body'> {
  /**
   * The body as JSON, inflated, and read only once: verification gets it all the same. `undefined` when there
   * is none, or none that can be used. Bodies that are read before the key is known are bounded together, and
   * not read for addresses that have sent many wrong keys.
   */
  readBody(): Promise<unknown>
}

/** What an adapter writes out unchanged. Header names are lower case. */
export interface Reply {
  status: number
  headers: Readonly<Record<string, string>>
  body: string
}

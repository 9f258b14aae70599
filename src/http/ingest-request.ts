import type { Awaitable } from '../runtime/awaitable.ts'

/** Header or query values by name. A repeated one is an array. Header names are lower case. */
export type FieldValues = Readonly<Record<string, string | readonly string[] | undefined>>

/**
 * Reads the raw request body. Called at most once, and only when the checks reach the body. Resolves to the
 * bytes as received, still compressed. When the body is longer than `maxBytes`, it stops reading and resolves
 * to more than `maxBytes` bytes or to `null`. Rejects with an `Error` of `code: 'client_aborted'` when the
 * client went away.
 *
 * A reader that reads in pieces calls `hold` with the length of each piece before it keeps it. When `hold`
 * returns false there is no room: the reader stops and resolves to `null`. A reader that waits for its sender
 * hands `giveUp` in with each piece: it is called when others need the room, and the reader drops what it has
 * kept, stops and resolves to `null`. Without it the body keeps its room, however long it takes.
 */
export type ReadBody = (
  maxBytes: number,
  hold?: (bytes: number, giveUp?: () => void) => boolean,
) => Awaitable<Uint8Array | string | null>

/** The web platform's `Headers`, or anything that iterates over names and values in the same way. */
export interface HeadersLike {
  forEach(callback: (value: string, name: string) => void): void
}

/** A request as `verify` takes it. */
export interface IngestRequestInit extends Omit<IngestRequest, 'headers' | 'query'> {
  /** The query as a string (with or without `?`) or already parsed; `null` is none. Read only where a key may be in it. */
  query?: IngestRequest['query'] | null
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
   * The whole path as requested, mount points included, without the query. Percent signs, dots, slashes and a
   * fragment stay as they came.
   */
  path: string
  /** The query as a string (with or without `?`) or already parsed. Read only where a key may be in it. */
  query?: string | URLSearchParams | FieldValues | undefined
  /** Lower-case names. A repeated `authorization` must arrive as an array, so that it can be refused. */
  headers: FieldValues
  /** The address of the socket, not a forwarded one. */
  ip?: string | undefined
  /**
   * Whether the sender has reset its connection, so that its address is no longer known: where that is needed, the request is
   * `client_aborted`. Set by adapters.
   */
  isReset?: boolean | undefined
  /**
   * The body. Parsed JSON: a plain object or an array. Bytes (`Buffer`, any other view, `ArrayBuffer`) or
   * text, which are parsed. Or a {@link ReadBody}, called only when the checks reach the body.
   *
   * A stream of Node's or of the web, a `Request`, a `Blob` or a promise is read within the limit. Anything
   * else is refused as a fault of the caller: 503, with `internal_error` for `onEvent`, which names it. That
   * includes a `Map`, a `FormData`, an instance of a class, and an object without a prototype, which form
   * parsers make and JSON parsers do not.
   */
  body?: unknown
  /** The event type of this route when the path does not say it. `'batch'`: each event says its own. */
  eventType?: string | undefined
  /**
   * The workspace that the key must belong to, or a function that finds it. Any other key is refused with
   * `wrong_workspace`. A value that is not text refuses every key: it never means "any workspace". A function that returns
   * anything but text, `undefined` or `null`, such as a promise, refuses the request with 503.
   */
  workspace?: string | (() => unknown)
  /**
   * Where senders of this route present their key, if not where all others do. Set by routes, never by
   * senders.
   */
  credentials?: CredentialSource | readonly CredentialSource[] | undefined
  /**
   * Where the bodies of this route keep their events, if not where all others do. Set by routes, never by
   * senders.
   */
  batchFields?: readonly string[] | undefined
  /** The format of this route's bodies, if not plain JSON. Set by routes, never by senders. */
  bodyForm?: BodyForm | undefined
}

/** Converts bodies in a sender's own format to the one that is judged and handed on. */
export interface BodyForm {
  /**
   * Reads a body and gives it its shape. Bytes that begin like gzip are inflated first, whatever the header
   * says. Left out: bodies are JSON.
   *
   * @param freeContainers objects and lists that a body may hold whatever its length
   * @returns undefined for what cannot be read
   */
  parse?(body: Uint8Array | string, freeContainers?: number): { value: unknown } | undefined
  /** The shape of a body that has been parsed. */
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
 * Finds the key that a request presents. `undefined` or `null`: none. Anything but text is refused as a
 * malformed key. A throw or a rejection refuses the request with 503.
 */
export type FindKey = (request: CredentialRequest) => Awaitable<string | undefined | null>

/** A request as a function among the `credentials` gets it. */
export interface CredentialRequest extends Omit<IngestRequest, 'body'> {
  /**
   * The body as JSON, inflated. It is read once, and verification uses the same result. `undefined` when
   * there is none, or none that can be used. Bodies read before the key is known share one memory limit. They
   * are not read for addresses that have sent many wrong keys.
   */
  readBody(): Promise<unknown>
}

/** What an adapter writes out unchanged. Header names are lower case. */
export interface Reply {
  status: number
  headers: Readonly<Record<string, string>>
  body: string
}

import type { Awaitable } from '../runtime/awaitable.ts'
import type { IngestRequest } from './ingest-request.ts'

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
 * Finds what a request presents as its key; `undefined` or `null`: nothing. Anything but text is refused as a malformed key. A throw or a
 * rejection refuses the request with 503.
 */
export type FindKey = (request: CredentialRequest) => Awaitable<string | undefined | null>

/** A request as a function among the `credentials` gets it. */
export interface CredentialRequest extends Omit<IngestRequest, 'body'> {
  /**
   * The body as JSON, inflated, and read only once: verification gets it all the same. `undefined` when there is none, or none that can be
   * used. Bodies that are read before the key is known are bounded together, and not read for addresses that have sent many wrong keys.
   */
  readBody(): Promise<unknown>
}

/** Where a key was found, as far as it has to be hidden from the handler afterwards. */
export type Place = 'authorization' | 'field' | 'query' | 'path' | 'body'

/** The key that a request may have been made with, as the oracle knows it. */
export interface KnownKey {
  readonly name: string
  readonly secret: string
  readonly state: 'good' | 'dead' | 'paused' | 'spent'
  readonly isServer?: boolean
  readonly allowedEventTypes?: readonly string[]
  readonly allowedEventNames?: readonly string[]
  readonly deniedEventNames?: readonly string[]
  readonly allowedOrigins?: readonly string[]
  readonly allowedIps?: readonly string[]
  readonly deniedIps?: readonly string[]
}

export type Source =
  | 'basic'
  | 'bearer'
  | 'header'
  | 'query'
  | 'body'
  | { readonly header: string }
  | { readonly query: string }
  | { readonly path: string }
  | { readonly body: string }

/** Options of one installation, as far as they change answers. All are given, so that no default is taken from anywhere. */
export interface House {
  readonly name: string
  readonly credentials: readonly Source[]
  readonly batchFields: readonly string[]
  readonly eventTypes: readonly string[]
  readonly maxBodyBytes: number
  readonly maxEvents: number
  readonly onForbiddenEvent: 'reject' | 'drop'
  readonly serverKeysInBrowsers: 'allow' | 'deny'
  readonly trustedProxies?: 1 | readonly string[]
  readonly importedKeys?: RegExp
  /** The adapter's option. */
  readonly eventType?: string
}

export interface Accepted {
  readonly kind: 'accepted'
  readonly key: string
  readonly place: Place
  /** Each as sent, less what carried a key. */
  readonly events: readonly unknown[]
  readonly eventType: string | null
  /** Where the spelling leaves no doubt. */
  readonly ip?: string
  /** Of the answer. */
  readonly saysOrigin: string | undefined
}

export type Outcome =
  | Accepted
  /** Any of these: where several things are wrong in one step, the design does not say which is told. */
  | { readonly kind: 'refused'; readonly answers: readonly string[] }
  | { readonly kind: 'preflight' }
  /** No handler runs; the server answers 4xx or 5xx of its own, or closes the connection. */
  | { readonly kind: 'malformed' }
  /** Not below the guarded path: the framework gets it as it came. */
  | { readonly kind: 'outside' }

export const refused = (...answers: string[]): Outcome => ({ kind: 'refused', answers })
export const unauthorized = '401 invalid_write_key'

import type { CreateKeyInput, WriteKeys, WriteKeysOptions } from '../../../index.ts'

/** Text that may need the key's secret. */
export type SecretText = string | ((secret: string) => string)

/**
 * What has happened to the key before the request arrives. All secrets but `missing` ones are well-formed.
 */
type KeyState =
  | 'active'
  | 'unknown'
  | 'revoked'
  | 'removed'
  | 'expired'
  | 'other environment'
  /** Rotated an hour ago with a grace of a day: the request presents the earlier secret. */
  | 'in grace'
  /** The same a day later. */
  | 'grace over'
  /** Rotated: the request presents the new secret. */
  | 'rotated'

/** A server that golden requests are sent to; those that name the same one share it. */
export interface GoldenServer {
  options: WriteKeysOptions
  /** Sets its state before the first request. */
  prepare?: (keys: WriteKeys) => Promise<void>
}

export interface ExpectedAnswer {
  status: number
  /** All headers but `date`, `content-length`, `connection`, `keep-alive` and the framework's own. */
  headers: Readonly<Record<string, string>>
  body: string
  /**
   * Whether the answer has `Connection: close`, because the rest of the body is unread and too long to wait
   * for.
   */
  closes: boolean
}

/** One raw request and its complete answer, the same in every framework. */
export interface GoldenRequest {
  name: string
  /** Default `standard`. */
  server?: string
  /** Fields of the key, in addition to its name and the source type `web`. */
  key?: Partial<CreateKeyInput>
  /** Default `active`. */
  state?: KeyState
  /** Events that the key has sent at the same instant. */
  spent?: number
  /** Default `POST`. */
  method?: string
  /** Default `/v1/track`. */
  path?: SecretText
  /** Values of `Authorization`, one line each. Default: the secret as Basic credential. */
  authorization?: readonly SecretText[]
  /** Further header lines, as sent. */
  headers?: readonly SecretText[]
  /** Default: one track event as JSON. `null`: none, and no `Content-Length`. */
  body?: SecretText | Uint8Array | (() => Uint8Array) | null
  /** Default `application/json`. `null`: no such line. */
  contentType?: string | null
  /** Sends the body as one chunk instead of with its length. */
  chunked?: boolean
  expected: ExpectedAnswer
  /** What the handler gets; absent when it must not run. */
  handled?: readonly unknown[]
}

/** The credential as HTTP Basic spells it. */
export function basic(secret: string): string {
  return `Basic ${Buffer.from(`${secret}:`, 'latin1').toString('base64')}`
}

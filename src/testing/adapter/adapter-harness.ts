import type { Refused, WriteKeys, WriteKeysOptions } from '../../index.ts'

/** What one test asks of a framework's server. */
export interface AdapterConfig {
  /** Options of `createWriteKeys`, or of the framework's module. */
  options: WriteKeysOptions
  /** For the middleware or guard. */
  adapter: {
    eventType?: string
    onRefused?: (refused: Refused) => unknown
    requestProperty?: string
    workspace?: () => string
  }
  /** Whether the framework's JSON parser runs before verification. */
  parsesBody: boolean
  /** Whether the middleware is mounted twice in a row (a guard: on the controller and on the route). */
  mountedTwice: boolean
  /** Whether the handler throws an error instead of answering, after recording what it received. */
  handlerThrows: boolean
}

/** What a handler was handed. */
export interface Handled {
  writeKeyId: string
  events: readonly unknown[]
  body: unknown
}

/** A running server of some framework. */
export interface AdapterServer {
  /** `http://127.0.0.1:PORT` */
  url: string
  /** The write keys that verify. */
  keys: WriteKeys
  /** What handlers have received so far, oldest first. */
  handled(): readonly Handled[]
  /** Stops the server, whatever connections are open. */
  close(): Promise<void>
}

/**
 * Starts a server of the framework on 127.0.0.1, port 0, with the adapter in front of everything under `/v1`.
 * Its one handler serves every path under `/v1` and every method, records what it receives, and answers 200
 * with `{"success":true,"accepted":N}`.
 */
export type StartAdapter = (config: AdapterConfig) => Promise<AdapterServer>
/** Golden requests, by name, that a framework refuses with 400 or 431 before the adapter runs, and why. */
export interface FrameworkRefusals {
  /** Refused by its server or router. */
  byRouter?: Readonly<Record<string, string>>
  /** Refused by its JSON parser. */
  byParser?: Readonly<Record<string, string>>
  /**
   * Golden requests whose target a URL parser changes, with the changed target: the adapter checks what the
   * router sees.
   */
  folded?: Readonly<Record<string, string>>
  /** Whether the adapter decides if the connection stays open. Default true. */
  ownsConnection?: boolean
  /**
   * Whether the framework sends `100 Continue` only when the body is read, so that a refused client is never
   * told to send it.
   */
  continuesLate?: boolean
}

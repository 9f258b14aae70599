import { badOption, ConfigError } from '../runtime/config-error.ts'
import { StoreError } from '../runtime/errors.ts'
import { inBackground } from '../runtime/timers.ts'
import { isLate, withTimeout } from './link.ts'
import { explainRefusal, PermissionError } from './refusal.ts'

/** A connection that can subscribe: node-redis 5 or 6, ioredis 5 or 6, iovalkey. */
// biome-ignore lint/suspicious/noExplicitAny: the clients' own signatures differ too much to be one parameter list.
export type RedisSubscriber = { subscribe(...args: any[]): unknown }

interface AnySubscriber {
  subscribe?(...args: unknown[]): unknown
  unsubscribe?(...args: unknown[]): unknown
  ping?(): unknown
  duplicate?(): AnySubscriber
  connect?(): unknown
  disconnect?(): unknown
  destroy?(): unknown
  on?(event: string, listener: (...args: never[]) => void): unknown
  removeListener?(event: string, listener: (...args: never[]) => void): unknown
  status?: unknown
  isOpen?: unknown
}

export interface RedisSubscription {
  /** @returns a function that ends it. */
  listen(listener: SubscriptionListener): () => void
  /** Unsubscribes, and closes the connection if it is ours. */
  close(): Promise<void>
}

interface SubscriptionListener {
  onMessage(message: unknown): void
  /** Called on every subscription, also after a reconnect: messages may have been missed until now. */
  onConnected(): void
  /**
   * The connection is lost, silent, or may not subscribe. Called once until it is connected, and again when
   * the server refuses another permission than before.
   */
  onLost(error: Error): void
}

/** Events of the clients for a lost connection, beside `error`. */
const lossEvents = ['reconnecting', 'close', 'end'] as const
const lostMessage = 'The connection on which Redis hints are heard is lost, or does not answer.'
const retryMs = 1_000
/** A connection that is cut silently is detected by a heartbeat. */
const pingEveryMs = 5_000
const pingTimeoutMs = 1_000

/**
 * One channel on any of the clients. Connects and subscribes with the first listener; clients reconnect by
 * themselves.
 *
 * @param owned whether to work on a duplicate of `client`, which is then opened and closed here
 */
export function createRedisSubscription(
  client: unknown,
  { owned, channel }: { owned: boolean; channel: string },
): RedisSubscription {
  const given = (client ?? {}) as AnySubscriber
  if (owned && typeof given.duplicate !== 'function') {
    throw new ConfigError(
      'subscriber',
      'subscriber is missing: createRedisHints needs a second client, as this one cannot be duplicated.',
    )
  }
  if (!owned && typeof given.subscribe !== 'function') {
    throw badOption('subscriber', client, 'a node-redis, ioredis or iovalkey client')
  }
  const listeners = new Set<SubscriptionListener>()
  let connection: AnySubscriber | undefined
  let retry: NodeJS.Timeout | undefined
  let pinging: NodeJS.Timeout | undefined
  let lost: StoreError | undefined
  let closed = false

  function receive(message: unknown): void {
    for (const listener of listeners) listener.onMessage(message)
  }
  /** ioredis reports messages of every channel in one event. */
  const receiveFrom = (from: unknown, message: unknown) => {
    if (from === channel) receive(message)
  }
  const ignore = () => {}
  function lose(reason: unknown): void {
    const explained = explainRefusal(reason, { command: 'SUBSCRIBE', pattern: channel })
    // The clients' socket errors vary from one attempt to the next.
    const error =
      explained instanceof StoreError
        ? explained
        : new StoreError('store_unavailable', lostMessage, { cause: reason })
    const isNews = lost === undefined || (error instanceof PermissionError && error.message !== lost.message)
    if (closed || !isNews) return
    lost = error
    for (const listener of listeners) listener.onLost(error)
  }
  const loseConnection = () => lose(undefined)
  const isIoredis = (candidate: AnySubscriber) => typeof candidate.status === 'string'

  function open(): void {
    connection = owned ? (given.duplicate as () => AnySubscriber)() : given
    // Without a listener for errors a client that loses its server ends the process.
    connection.on?.('error', lose)
    connection.on?.('ready', subscribe)
    for (const event of lossEvents) connection.on?.(event, loseConnection)
    if (isIoredis(connection)) connection.on?.('message', receiveFrom)
    if (owned && !isIoredis(connection)) Promise.resolve(connection.connect?.()).catch(lose)
    pinging = inBackground(setInterval(ping, pingEveryMs))
    subscribe()
  }

  /**
   * Also after each reconnect, even if the client resubscribes itself: only then we know when to catch up.
   */
  function subscribe(): void {
    if (closed || connection === undefined || !isUsable(connection)) return
    clearTimeout(retry)
    Promise.resolve(
      isIoredis(connection) ? connection.subscribe?.(channel) : connection.subscribe?.(channel, receive),
    ).then(connected, (refusal: unknown) => {
      lose(refusal)
      clearTimeout(retry)
      retry = inBackground(setTimeout(subscribe, retryMs))
    })
  }

  function connected(): void {
    lost = undefined
    for (const listener of listeners) listener.onConnected()
  }

  /** Any answer will do, even a refusal. */
  function ping(): void {
    if (connection?.ping === undefined || !isUsable(connection) || lost !== undefined) return
    const answer = Promise.resolve(connection.ping())
    withTimeout(answer, pingTimeoutMs).catch((error: unknown) => {
      if (!isLate(error)) return
      loseConnection()
      // Messages sent meanwhile may still arrive, or may not.
      answer.then(() => lost !== undefined && connected(), ignore)
    })
  }

  return {
    listen(listener) {
      listeners.add(listener)
      if (connection === undefined && !closed) open()
      else if (lost !== undefined) listener.onLost(lost)
      return () => listeners.delete(listener)
    },
    async close() {
      if (closed) return
      closed = true
      clearTimeout(retry)
      clearInterval(pinging)
      const ending = connection
      if (ending === undefined) return
      ending.removeListener?.('ready', subscribe)
      ending.removeListener?.('message', receiveFrom)
      for (const event of lossEvents) ending.removeListener?.(event, loseConnection)
      if (owned) {
        if (isIoredis(ending)) ending.disconnect?.()
        else if (ending.isOpen) ending.destroy?.()
        return
      }
      ending.removeListener?.('error', lose)
      if (!isUsable(ending)) return
      await Promise.resolve(
        isIoredis(ending) ? ending.unsubscribe?.(channel) : ending.unsubscribe?.(channel, receive),
      ).catch(ignore)
    },
  }
}

/** A client that is not connected would refuse or queue the command; its `ready` event calls this again. */
function isUsable(connection: AnySubscriber): boolean {
  if (typeof connection.status === 'string')
    return connection.status === 'ready' || connection.status === 'wait'
  return connection.isOpen !== false
}

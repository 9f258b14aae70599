import { badOption, ConfigError } from '../runtime/config-error.ts'
import { StoreError } from '../runtime/errors.ts'
import { inBackground } from '../runtime/timers.ts'
import { type AnySubscriber, type ChannelConnection, connectChannel } from './channel-connection.ts'
import { isLate, withTimeout } from './late-answer.ts'
import { explainRefusal, PermissionError } from './refusal.ts'

/** A connection that can subscribe: node-redis 5 or 6, ioredis 5 or 6, iovalkey. */
// biome-ignore lint/suspicious/noExplicitAny: the clients' own signatures differ too much to be one parameter list.
export type RedisSubscriber = { subscribe(...args: any[]): unknown }

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
  assertSubscriber(client, given, owned)
  const listeners = new Set<SubscriptionListener>()
  let connection: ChannelConnection | undefined
  let retry: NodeJS.Timeout | undefined
  let pinging: NodeJS.Timeout | undefined
  let lost: StoreError | undefined
  let closed = false

  function lose(reason: unknown): void {
    const error = toLoss(reason, channel)
    const isNews = lost === undefined || (error instanceof PermissionError && error.message !== lost.message)
    if (closed || !isNews) return
    lost = error
    for (const listener of listeners) listener.onLost(error)
  }

  function open(): void {
    connection = connectChannel(owned ? (given.duplicate as () => AnySubscriber)() : given, channel, {
      onMessage(message) {
        for (const listener of listeners) listener.onMessage(message)
      },
      onReady: subscribe,
      onLost: lose,
    })
    connection.open(owned)
    pinging = inBackground(setInterval(ping, pingEveryMs))
    subscribe()
  }

  /**
   * Also after each reconnect, even if the client resubscribes itself: only then we know when to catch up.
   */
  function subscribe(): void {
    if (closed || connection === undefined || !connection.isUsable()) return
    clearTimeout(retry)
    connection.subscribe().then(connected, (refusal: unknown) => {
      lose(refusal)
      clearTimeout(retry)
      retry = inBackground(setTimeout(subscribe, retryMs))
    })
  }

  function connected(): void {
    lost = undefined
    for (const listener of listeners) listener.onConnected()
  }

  function ping(): void {
    if (lost !== undefined || !connection?.isUsable()) return
    const answer = connection.ping()
    if (answer === undefined) return
    // Messages sent meanwhile may still arrive, or may not.
    const onLateAnswer = () => lost !== undefined && connected()
    watchAnswer(answer, () => lose(undefined), onLateAnswer)
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
      await connection?.end(owned)
    },
  }
}

/** Any answer in time will do, even a refusal. */
function watchAnswer(answer: Promise<unknown>, onLate: () => void, onLateAnswer: () => void): void {
  withTimeout(answer, pingTimeoutMs).catch((error: unknown) => {
    if (!isLate(error)) return
    onLate()
    answer.then(onLateAnswer, () => {})
  })
}

function assertSubscriber(client: unknown, { duplicate, subscribe }: AnySubscriber, owned: boolean): void {
  if (owned && typeof duplicate !== 'function') {
    throw new ConfigError(
      'subscriber',
      'subscriber is missing: createRedisHints needs a second client, as this one cannot be duplicated.',
    )
  }
  if (!owned && typeof subscribe !== 'function')
    throw badOption('subscriber', client, 'a node-redis, ioredis or iovalkey client')
}

/** The clients' socket errors vary from one attempt to the next: they are the cause only. */
function toLoss(reason: unknown, channel: string): StoreError {
  const explained = explainRefusal(reason, { command: 'SUBSCRIBE', pattern: channel })
  return explained instanceof StoreError
    ? explained
    : new StoreError('store_unavailable', lostMessage, { cause: reason })
}

import { badOption, ConfigError } from '../runtime/config-error.ts'
import type { OptionReader } from '../runtime/options.ts'

/**
 * A client that the application makes, connects and closes: node-redis 5 or 6 (client, pool, cluster,
 * sentinel), ioredis 5 or 6 and iovalkey (single or cluster), or anything that sends one command and resolves
 * to its reply.
 */
export type RedisClient =
  // biome-ignore lint/suspicious/noExplicitAny: the clients' own signatures differ too much to be one parameter list.
  { sendCommand(...args: any[]): unknown } | { call(...args: any[]): unknown }

/** One interface to all of them. */
export interface RedisCommands {
  /** @param key the key that decides the node of a cluster; `args` contains it as well. */
  send(key: string, args: string[]): Promise<unknown>
  /** Whether a command would be sent at once; undefined when the client does not tell. */
  isReady(): boolean | undefined
  /** @returns a function that removes the listener. Does nothing for clients without events. */
  on(event: 'ready' | 'error', listener: () => void): () => void
}

interface AnyClient {
  sendCommand?(...args: unknown[]): unknown
  call?(...args: unknown[]): unknown
  connect?(): unknown
  on?(event: string, listener: () => void): unknown
  removeListener?(event: string, listener: () => void): unknown
  status?: unknown
  isReady?: unknown
  isOpen?: unknown
  getSlotRandomNode?: unknown
  getSentinelNode?: unknown
}

/** The option `client`: recognises a client by its shape. */
export const redisCommands: OptionReader<RedisCommands> = (value, option, isGiven) => {
  const client = (value ?? {}) as AnyClient
  const send = findSend(client)
  if (send === undefined) {
    const expected = 'a node-redis, ioredis or iovalkey client, or an object with sendCommand(args)'
    if (value === undefined && isGiven === true)
      throw new ConfigError(option, `${option} is undefined: it must be ${expected}, made before this call.`)
    throw badOption(option, value, expected)
  }
  return {
    // Clients may throw instead of rejecting.
    send: async (key, args) => send(key, args),
    isReady: () => isReady(client),
    on(event, listener) {
      if (typeof client.on !== 'function') return () => {}
      client.on(event, listener)
      return () => client.removeListener?.(event, listener)
    },
  }
}

function findSend(client: AnyClient): ((key: string, args: string[]) => unknown) | undefined {
  // ioredis has a sendCommand too, which takes its own Command objects.
  if (typeof client.call === 'function') return (_key, args) => client.call?.(...args)
  if (typeof client.sendCommand !== 'function') return undefined
  if (typeof client.getSlotRandomNode === 'function')
    return (key, args) => client.sendCommand?.(key, false, args)
  if (typeof client.getSentinelNode === 'function') return (_key, args) => client.sendCommand?.(false, args)
  return (_key, args) => client.sendCommand?.(args)
}

/** A client that is not connected queues commands for minutes: better not to give it any. */
function isReady(client: AnyClient): boolean | undefined {
  if (typeof client.status === 'string') {
    // ioredis with `lazyConnect` connects on its first command.
    if (client.status === 'wait') Promise.resolve(client.connect?.()).catch(() => {})
    return client.status === 'ready'
  }
  if (typeof client.isReady === 'boolean') return client.isReady
  if (typeof client.isOpen === 'boolean') return client.isOpen
  return undefined
}

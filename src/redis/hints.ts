import { randomUUID } from 'node:crypto'
import { keyIdPattern } from '../keys/ids.ts'
import { anything, readOptions, text } from '../runtime/options.ts'
import { inBackground } from '../runtime/timers.ts'
import type { ChangeHints, ChangeListener } from '../stores/key-store.ts'
import { type RedisClient, redisCommands } from './client.ts'
import { withTimeout } from './late-answer.ts'
import { explainRefusal } from './refusal.ts'
import { createRedisSubscription, type RedisSubscriber } from './subscription.ts'

/** What `createRedisHints` takes. Unknown names and bad values throw `ConfigError`. */
export interface RedisHintsOptions {
  /** Publishes. Made, connected and closed by the application. */
  client: RedisClient
  /**
   * A second connection of the application's: one that subscribes can do nothing else. Default: a duplicate
   * of `client`, opened with the first subscription and closed with the hints.
   */
  subscriber?: RedisSubscriber | undefined
  /**
   * 1 to 128 of `A-Z a-z 0-9 . _ : -`; all processes of one store name the same. Default
   * `'writekey:changes'`.
   */
  channel?: string | undefined
}

const publishTimeoutMs = 1_000
/** This many hints are passed on at once, then one per interval, however many messages arrive. */
const mostAtOnce = 20
const intervalMs = 50
const mostIds = 1_000
const mostCharacters = 100_000

/**
 * Tells other processes over Redis that keys changed, for any store. A message only makes its receivers ask
 * their store. Junk and forged messages cost at most 20 questions a second. A lost message only costs time,
 * because the lease ends anyway. After a reconnect every process asks once, for what it may have missed. A
 * subscription that is lost, silent or refused is reported.
 *
 * @throws ConfigError for an unknown option or a bad value, and for a client of an unknown kind.
 * @example
 * ```ts
 * const keys = createWriteKeys({ store, hints: createRedisHints({ client }) })
 * ```
 */
export function createRedisHints(options: RedisHintsOptions): ChangeHints {
  const { client: commands, subscriber, channel } = readOptions('createRedisHints', options, optionReaders)
  const subscription = createRedisSubscription(subscriber ?? options.client, {
    owned: subscriber === undefined,
    channel,
  })
  const sender = randomUUID()
  const unhook = commands.on('error', () => {})
  const endings = new Set<() => void>()

  return {
    async publish(keyIds) {
      if (commands.isReady() === false) throw new Error('The Redis client for hints is not connected.')
      const message = [sender, ...keyIds].join(' ')
      try {
        await withTimeout(commands.send(channel, ['PUBLISH', channel, message]), publishTimeoutMs)
      } catch (error) {
        throw explainRefusal(error, { command: 'PUBLISH', pattern: channel })
      }
    },
    subscribe(listener, onLost, onRestored) {
      const hints = createPacer(listener)
      let isLost = false
      const unsubscribe = subscription.listen({
        onMessage(message) {
          const told = parseMessage(message)
          // This process has dropped the keys already.
          if (told.sender !== sender) hints.note(told.keyIds)
        },
        onConnected() {
          hints.note('unknown')
          if (isLost) onRestored?.()
          isLost = false
        },
        onLost(error) {
          isLost = true
          onLost?.(error)
        },
      })
      const end = () => {
        endings.delete(end)
        unsubscribe()
        hints.close()
      }
      endings.add(end)
      return end
    },
    async close() {
      for (const end of endings) end()
      unhook()
      await subscription.close()
    },
  }
}

/** Passes hints on, at once unless there is a flood. */
function createPacer(listener: ChangeListener) {
  let keyIds = new Set<string>()
  let unknown = false
  let allowance = mostAtOnce
  let refilledAt = 0
  let timer: NodeJS.Timeout | undefined

  function flush(): void {
    timer = undefined
    const now = performance.now()
    allowance = Math.min(mostAtOnce, allowance + (now - refilledAt) / intervalMs)
    refilledAt = now
    if (allowance < 1) {
      timer = inBackground(setTimeout(flush, intervalMs))
      return
    }
    allowance--
    const ids = unknown ? undefined : [...keyIds]
    keyIds = new Set()
    unknown = false
    listener(ids)
  }

  return {
    note(ids: readonly string[] | 'unknown') {
      if (ids === 'unknown') unknown = true
      else for (const id of ids) keyIds.add(id)
      if (keyIds.size > mostIds) unknown = true
      if (unknown) keyIds.clear()
      if (timer === undefined) flush()
    },
    close: () => clearTimeout(timer),
  }
}

/** A message that cannot be read may be about any key. */
function parseMessage(message: unknown): { sender?: string; keyIds: readonly string[] | 'unknown' } {
  if (typeof message !== 'string' || message.length > mostCharacters) return { keyIds: 'unknown' }
  const [sender, ...keyIds] = message.split(' ')
  const isReadable =
    keyIds.length > 0 && keyIds.length <= mostIds && keyIds.every((id) => keyIdPattern.test(id))
  return isReadable ? { sender: sender as string, keyIds } : { keyIds: 'unknown' }
}

const optionReaders = {
  client: redisCommands,
  subscriber: anything<RedisSubscriber>(),
  channel: text(/^[A-Za-z0-9._:-]{1,128}$/, '1 to 128 of A-Z a-z 0-9 . _ : -', 'writekey:changes'),
}

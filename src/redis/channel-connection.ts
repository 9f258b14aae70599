/** What the clients have that can subscribe; each has some of it. */
export interface AnySubscriber {
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

/** One channel on one connection, whichever client it is of. */
export interface ChannelConnection {
  /** Connects, where the client was made here, and calls back as long as it lives. */
  open(isOurs: boolean): void
  /** Whether commands would be sent at once, not refused or queued; its `onReady` follows. */
  isUsable(): boolean
  subscribe(): Promise<unknown>
  /** Undefined: the client cannot. */
  ping(): Promise<unknown> | undefined
  /** Takes back what `open` has done. */
  end(isOurs: boolean): Promise<void>
}

export interface ChannelListeners {
  onMessage: (message: unknown) => void
  onReady: () => void
  /** @param reason undefined: only that the connection is lost is known. */
  onLost: (reason: unknown) => void
}

/** Events of the clients for a lost connection, beside `error`. */
const lossEvents = ['reconnecting', 'close', 'end'] as const

export function connectChannel(
  connection: AnySubscriber,
  channel: string,
  { onMessage, onReady, onLost }: ChannelListeners,
): ChannelConnection {
  const isIoredis = typeof connection.status === 'string'
  /** ioredis reports messages of every channel in one event. */
  const receiveFrom = (from: unknown, message: unknown) => {
    if (from === channel) onMessage(message)
  }
  const loseConnection = () => onLost(undefined)

  const isUsable = () =>
    typeof connection.status === 'string'
      ? connection.status === 'ready' || connection.status === 'wait'
      : connection.isOpen !== false

  return {
    open(isOurs) {
      // Without a listener for errors a client that loses its server ends the process.
      connection.on?.('error', onLost)
      connection.on?.('ready', onReady)
      for (const event of lossEvents) connection.on?.(event, loseConnection)
      if (isIoredis) connection.on?.('message', receiveFrom)
      if (isOurs && !isIoredis) Promise.resolve(connection.connect?.()).catch(onLost)
    },
    isUsable,
    subscribe: () =>
      Promise.resolve(
        isIoredis ? connection.subscribe?.(channel) : connection.subscribe?.(channel, onMessage),
      ),
    ping: () => (connection.ping === undefined ? undefined : Promise.resolve(connection.ping())),
    async end(isOurs) {
      connection.removeListener?.('ready', onReady)
      connection.removeListener?.('message', receiveFrom)
      for (const event of lossEvents) connection.removeListener?.(event, loseConnection)
      if (isOurs) {
        if (isIoredis) connection.disconnect?.()
        else if (connection.isOpen) connection.destroy?.()
        return
      }
      connection.removeListener?.('error', onLost)
      if (!isUsable()) return
      await Promise.resolve(
        isIoredis ? connection.unsubscribe?.(channel) : connection.unsubscribe?.(channel, onMessage),
      ).catch(() => {})
    },
  }
}

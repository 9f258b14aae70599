/** What is asked of a socket: Node's, or one that stands in for it. */
export interface SocketAddresses {
  readonly remoteAddress?: string | undefined
  readonly localAddress?: string | undefined
}

/**
 * Whether a connection was reset before anybody asked for its sender's address: the system then no longer tells it. The address of our
 * own end stays. Unix sockets have neither.
 */
export function isReset(socket: SocketAddresses | null | undefined): boolean {
  return socket?.remoteAddress === undefined && socket?.localAddress !== undefined
}

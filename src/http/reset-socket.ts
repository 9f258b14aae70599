/** What is asked of a socket: Node's, or one that stands in for it. */
export interface SocketAddresses {
  readonly remoteAddress?: string | undefined
  readonly localAddress?: string | undefined
  readonly destroyed?: boolean | undefined
}

/**
 * Whether a connection was reset, or has ended, before anybody asked for its sender's address: the system then no longer tells it. The
 * address of our own end stays until Node has noticed. Unix sockets have neither.
 */
export function isReset(socket: SocketAddresses | null | undefined): boolean {
  if (socket?.remoteAddress !== undefined) return false
  return socket?.localAddress !== undefined || socket?.destroyed === true
}

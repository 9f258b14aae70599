import type { Socket } from 'node:net'
import { nodeNet } from '../../runtime/built-ins.ts'
import { inBackground } from '../../runtime/timers.ts'
import { endingMs } from './connections.ts'

/**
 * A socket for a driver to use. What the driver throws while it reads an answer, such as one that was garbled on
 * its way, is an error of the connection; so is what it throws when it hears of that. Thrown past the socket, it
 * would end the process.
 */
export function makeSocket(): Socket {
  const socket = new (nodeNet().Socket)()
  // Node remembers each `ref()` and `unref()` before the name is looked up as a listener.
  socket.setMaxListeners(0)
  const emit = socket.emit.bind(socket) as (event: string | symbol, ...values: unknown[]) => boolean
  socket.emit = (event: string | symbol, ...values: unknown[]) => {
    try {
      return emit(event, ...values)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      socket.destroy(new Error(`an answer cannot be read: ${reason}`))
      return true
    }
  }
  return socket
}

/**
 * Cuts off a connection that has said goodbye, unless the other side ends it in time. Where the network has lost the
 * connection, nobody answers, and it would be half open for as long as the process lives.
 */
export function destroySoon(socket: {
  destroy?(): void
  once?(event: 'close', then: () => void): unknown
}): void {
  const timer = inBackground(setTimeout(() => socket.destroy?.(), endingMs))
  socket.once?.('close', () => clearTimeout(timer))
}

import type { Socket } from 'node:net'
import { inBackground } from '../../runtime/timers.ts'
import { tookTooLong } from './connection-waits.ts'
import { freshMs, longestConnectMs } from './connections.ts'

export interface AttemptEvents<Connection> {
  /** Makes a connection, ready for statements, over a socket that it hands to `over`. */
  connect(over: (socket: Socket) => Socket): Promise<Connection>
  onMade(connection: Connection, socket: Socket | undefined): void
  /** @param error undefined: it was cut off. */
  onFailed(startedAt: number, error?: unknown): void
  /** One has come to nothing for a second. */
  onStale(): void
}

/** Attempts to connect that are under way. */
export interface ConnectionAttempts {
  count(): number
  /** How many may still be soon enough. */
  freshCount(): number
  start(): void
  /** Cuts off the youngest, unless it is fresh or the only one. */
  replaceYoungest(): void
  /** Whether they keep the process running. */
  hold(process: boolean): void
  endAll(): void
}

interface Attempt {
  socket?: Socket
  readonly startedAt: number
  isCut: boolean
}

export function createConnectionAttempts<Connection>({
  connect,
  onMade,
  onFailed,
  onStale,
}: AttemptEvents<Connection>): ConnectionAttempts {
  const attempts = new Set<Attempt>()
  const isFresh = ({ startedAt }: Attempt) => performance.now() - startedAt < freshMs

  function cutOff(attempt: Attempt): void {
    attempt.isCut = true
    attempt.socket?.destroy(tookTooLong())
  }

  function start(): void {
    const attempt: Attempt = { startedAt: performance.now(), isCut: false }
    attempts.add(attempt)
    // Read first what arrived while the process was busy or frozen.
    const later = (ms: number, then: () => void) => inBackground(setTimeout(() => setImmediate(then), ms))
    const timers = [
      later(freshMs, onStale),
      later(longestConnectMs, () => attempts.has(attempt) && cutOff(attempt)),
    ]
    const over = (socket: Socket) => {
      attempt.socket = socket
      return socket
    }
    const settle = () => {
      attempts.delete(attempt)
      for (const timer of timers) clearTimeout(timer)
    }
    const fail = (error: unknown) => onFailed(attempt.startedAt, attempt.isCut ? undefined : error)
    connect(over).then(
      (connection) => {
        settle()
        if (attempt.socket?.destroyed) fail(new Error('Connection terminated'))
        else onMade(connection, attempt.socket)
      },
      (error: unknown) => {
        settle()
        fail(error ?? new Error('no connection'))
      },
    )
  }

  return {
    count: () => attempts.size,
    freshCount: () => [...attempts].filter(isFresh).length,
    start,
    replaceYoungest() {
      const all = [...attempts]
      const youngest = all.at(-1)
      if (youngest === undefined || all.length === 1 || isFresh(youngest)) return
      if (!all.some(({ isCut }) => isCut)) cutOff(youngest)
    },
    hold(process) {
      for (const { socket } of attempts) process ? socket?.ref() : socket?.unref()
    },
    endAll() {
      for (const attempt of attempts) cutOff(attempt)
    },
  }
}

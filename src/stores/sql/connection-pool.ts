import type { Socket } from 'node:net'
import { inBackground } from '../../runtime/timers.ts'
import { createConnectionAttempts } from './connection-attempts.ts'
import { createConnectionWaits, tookTooLong } from './connection-waits.ts'
import { poolSize } from './connections.ts'
import { hasNoRoom } from './driver-errors.ts'
import { destroySoon } from './own-socket.ts'

export interface ConnectionPoolOptions<Connection> {
  /** Makes a connection, ready for statements, over a socket that it hands to `over`. */
  connect(over: (socket: Socket) => Socket): Promise<Connection>
  /** An idle connection keeps no process running. */
  rest(connection: Connection): void
  wake(connection: Connection): void
  /** Ends it properly, or begins to. */
  end(connection: Connection): void
  /** Longest wait for a connection, in milliseconds. */
  deadlineMs: number
  /** Until an idle connection is ended, in milliseconds. Default: never. */
  idleMs?: number
}

/** Connections to one database. */
export interface ConnectionPool<Connection> {
  /** @throws StoreError `store_timeout`, or why no connection can be made. */
  borrow(): Promise<Connection>
  /** @param isBroken it is not to be used again. */
  giveBack(connection: Connection, isBroken: boolean): void
  /** Ends properly what is open, once it is given back. */
  end(): Promise<void>
  /** Ends at once what is open, and what is waited for. */
  cut(): void
}

/**
 * A pool of the drivers begins a connection for one question and ends it with that. Here an attempt to connect
 * outlives who asked for it: the connection is for whoever waits by then, or for the next one. Otherwise a
 * database that takes longer to connect than a question may take would never be back.
 *
 * An attempt may hang for good. After a second another one begins beside it. When there are as many as may be,
 * the youngest is replaced: the others have their time, and a database that is back is found soon.
 */
export function createConnectionPool<Connection extends object>(
  options: ConnectionPoolOptions<Connection>,
): ConnectionPool<Connection> {
  const { connect, wake, deadlineMs } = options
  let closed = false
  /** Attempts that found no room while others went on. */
  let withoutRoom = 0
  const open = createOpenConnections(options, serve)
  const waits = createConnectionWaits<Connection>(() => open.lentCount() > 0, holdProcess)
  const attempts = createConnectionAttempts<Connection>({ connect, onMade, onFailed, onStale: serve })

  function serve(): void {
    while (waits.count() > 0) {
      const connection = open.takeIdle()
      if (connection === undefined) break
      wake(connection)
      waits.serve(connection)
    }
    const lacksAttempts = () => !closed && waits.count() > attempts.freshCount()
    const isFull = () => attempts.count() + open.count() >= poolSize
    while (lacksAttempts() && (!isFull() || open.dropEnding())) attempts.start()
    if (lacksAttempts()) attempts.replaceYoungest()
    holdProcess()
  }

  /** An attempt that nobody waits for keeps no process running. */
  function holdProcess(): void {
    attempts.hold(waits.count() > 0)
  }

  function onMade(connection: Connection, socket: Socket | undefined): void {
    withoutRoom = 0
    if (closed) socket?.destroy()
    else open.add(connection, socket)
    serve()
  }

  function onFailed(startedAt: number, error?: unknown): void {
    if (error !== undefined && attempts.freshCount() < waits.count()) {
      // The server takes no more. One that is in use will be free again, and so will one that is being made.
      if (hasNoRoom(error) && open.lentCount() > 0) return
      if (hasNoRoom(error) && attempts.freshCount() > 0) {
        withoutRoom++
        return
      }
      // Who came later gets an attempt that begins now: the server may be another one since.
      for (; withoutRoom >= 0; withoutRoom--) waits.fail(error, startedAt)
      withoutRoom = 0
    }
    serve()
  }

  return {
    borrow() {
      if (waits.count() === 0) withoutRoom = 0
      const connection = waits.add(deadlineMs)
      serve()
      return connection
    },
    giveBack(connection, isBroken) {
      if (isBroken) open.drop(connection)
      else if (closed) open.finish(connection)
      else open.keep(connection)
      serve()
    },
    async end() {
      closed = true
      attempts.endAll()
      await open.endIdle()
    },
    cut() {
      closed = true
      while (waits.count() > 0) waits.fail(tookTooLong())
      attempts.endAll()
      open.cut()
    },
  }
}

/** The connections there are: some of them idle, some being ended. */
function createOpenConnections<Connection>(
  { rest, end, idleMs }: ConnectionPoolOptions<Connection>,
  onGone: () => void,
) {
  const open = new Map<Connection, { socket: Socket | undefined; gone: Promise<void> }>()
  const idle = createIdleConnections<Connection>(idleMs, finish)
  const ending = new Set<Connection>()

  function forget(connection: Connection): void {
    open.delete(connection)
    ending.delete(connection)
    idle.remove(connection)
  }

  function drop(connection: Connection): void {
    open.get(connection)?.socket?.destroy()
    forget(connection)
  }

  function finish(connection: Connection): void {
    idle.remove(connection)
    const socket = open.get(connection)?.socket
    end(connection)
    if (socket === undefined) forget(connection)
    else {
      ending.add(connection)
      destroySoon(socket)
    }
  }

  function keep(connection: Connection): void {
    const found = open.get(connection)
    if (found?.socket?.destroyed) forget(connection)
    else if (found !== undefined) {
      idle.add(connection)
      rest(connection)
    }
  }

  return {
    count: () => open.size,
    lentCount: () => open.size - idle.count() - ending.size,
    /** The one used last: others may be idle for long enough to be ended. */
    takeIdle(): Connection | undefined {
      for (const connection of idle.all().reverse()) {
        idle.remove(connection)
        if (!open.get(connection)?.socket?.destroyed) return connection
        // It is about to tell that it has ended.
        forget(connection)
      }
      return undefined
    },
    keep,
    finish,
    drop,
    add(connection: Connection, socket: Socket | undefined): void {
      const gone = whenClosed(socket, () => {
        forget(connection)
        onGone()
      })
      open.set(connection, { socket, gone })
      keep(connection)
    },
    /** Waits no longer for the end of one, whose place is needed. False: there is none. */
    dropEnding(): boolean {
      const [connection] = ending
      if (connection !== undefined) drop(connection)
      return connection !== undefined
    },
    /** Resolves when all are gone, those in use included. */
    async endIdle(): Promise<void> {
      const gone = [...open.values()].map((one) => one.gone)
      for (const connection of idle.all()) finish(connection)
      await Promise.all(gone)
    },
    cut(): void {
      for (const { socket } of open.values()) socket?.destroy()
    },
  }
}

/** In the order in which they came back. @param onOld called with one that was idle for `idleMs`. */
function createIdleConnections<Connection>(
  idleMs: number | undefined,
  onOld: (connection: Connection) => void,
) {
  const timers = new Map<Connection, NodeJS.Timeout | undefined>()
  return {
    count: () => timers.size,
    all: () => [...timers.keys()],
    add(connection: Connection): void {
      const endLater = () => onOld(connection)
      timers.set(connection, idleMs === undefined ? undefined : inBackground(setTimeout(endLater, idleMs)))
    },
    remove(connection: Connection): void {
      clearTimeout(timers.get(connection))
      timers.delete(connection)
    },
  }
}

/** @returns a promise of the end. Of a driver that takes no socket of ours, nobody is told: its end is not waited for. */
function whenClosed(socket: Socket | undefined, then: () => void): Promise<void> {
  if (socket === undefined) return Promise.resolve()
  return new Promise((resolve) => {
    socket.once('close', () => {
      then()
      resolve()
    })
  })
}

import { withDeadline } from '../../runtime/deadline.ts'
import { inBackground } from '../../runtime/timers.ts'
import type { ChangeListener } from '../key-store.ts'
import { longestConnectMs } from './connections.ts'
import { toStoreError } from './driver-errors.ts'
import { oneAtATime } from './one-at-a-time.ts'
import { destroySoon } from './own-socket.ts'

/** The part of a client of `pg` that is used. */
export interface ListeningClient {
  connect(): Promise<unknown>
  query(text: string): Promise<unknown>
  end(): Promise<unknown>
  on(event: 'notification', listener: (message: { payload?: string | undefined }) => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'end', listener: () => void): unknown
  unref?(): void
  /** Of a client of `pg`: what to destroy when it cannot end properly. */
  connection?: { stream?: { destroy?(): void; once?(event: 'close', then: () => void): unknown } }
}

const firstPauseMs = 100
const longestPauseMs = 5_000
/** A connection may die silently. Only speed is lost meanwhile. */
const heartbeatMs = 10_000
const patienceMs = 3_000
/** Pause after the connection was given up for a question; twice as long each time, unless it was calm for long. */
const firstYieldMs = 5_000
const longestYieldMs = 300_000

/** The callbacks of a listener. */
export interface ListenerEvents {
  onChange: ChangeListener
  /** The connection is gone, or cannot be made. Called once until it is back. */
  onLost(error: unknown): void
  onRestored(): void
}

/** What listens. */
export interface Listening {
  stop(): Promise<void>
  /**
   * The server takes no more connections: gives its own up for a while, since questions matter more. Resolves once it is gone: to false
   * when there was none.
   */
  makeRoom(reason: unknown): Promise<boolean>
}

/**
 * Listens on a PostgreSQL channel over a connection of its own, and reconnects whenever that is lost. A hint
 * without keys then makes up for missed ones.
 */
export function listenForChanges(
  makeClient: () => ListeningClient | Promise<ListeningClient>,
  channel: string,
  { onChange, onLost, onRestored }: ListenerEvents,
): Listening {
  let client: ListeningClient | undefined
  let timer: NodeJS.Timeout | undefined
  let failures = 0
  let ended = false
  let isLost = false

  function reportLost(error: unknown): void {
    if (ended || isLost) return
    isLost = true
    onLost(toStoreError(error ?? new Error('the server has ended the connection')))
  }

  async function start(): Promise<void> {
    if (ended) return
    let started: ListeningClient
    try {
      started = assertClient(await makeClient())
    } catch (error) {
      reportLost(error)
      return retryLater()
    }
    client = started
    const lose = (error?: unknown) => {
      if (client !== started) return
      client = undefined
      void endClient(started)
      reportLost(error)
      retryLater()
    }
    started.on('error', lose)
    started.on('end', lose)
    started.on('notification', (message) => client === started && onChange(keysIn(message)))
    try {
      await listenOver(started, channel)
    } catch (error) {
      return lose(error)
    }
    if (client !== started) return
    failures = 0
    onChange()
    if (isLost) onRestored()
    isLost = false
    keepBeating(started, () => client === started, lose)
  }

  function retryLater(): void {
    const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** failures) * (0.5 + Math.random() / 2)
    failures++
    timer = inBackground(setTimeout(start, pauseMs))
  }

  async function leave(): Promise<void> {
    clearTimeout(timer)
    const last = client
    client = undefined
    await endClient(last)
  }

  const nextYieldMs = growingPause(firstYieldMs, longestYieldMs)
  start()
  return {
    stop() {
      ended = true
      return leave()
    },
    makeRoom: oneAtATime(async (reason) => {
      if (ended || client === undefined) return false
      reportLost(reason)
      const left = leave()
      timer = inBackground(setTimeout(start, nextYieldMs()))
      return withDeadline(left, patienceMs, () => {}).then(() => true)
    }),
  }
}

function keysIn({ payload }: { payload?: string | undefined }): string[] | undefined {
  return payload === undefined || payload === '' ? undefined : [payload]
}

/** Pauses that double, and begin again after a calm time of twice the longest. */
function growingPause(firstMs: number, longestMs: number): () => number {
  let pauseMs = firstMs
  let calmAt = Number.NEGATIVE_INFINITY
  return () => {
    pauseMs = performance.now() < calmAt ? Math.min(longestMs, pauseMs * 2) : firstMs
    calmAt = performance.now() + 2 * longestMs
    return pauseMs
  }
}

function assertClient(client: ListeningClient): ListeningClient {
  if (typeof client?.on === 'function') return client
  throw new Error('notifications makes no client of pg')
}

const connected = new WeakSet<ListeningClient>()

async function listenOver(client: ListeningClient, channel: string): Promise<void> {
  const connecting = answered(client.connect(), longestConnectMs)
  // Nobody waits for hints: not even an attempt keeps the process running. Once more for the socket that TLS has made.
  client.unref?.()
  await connecting
  connected.add(client)
  client.unref?.()
  await answered(client.query(`listen "${channel.replaceAll('"', '""')}"`))
}

/** Asks now and then, while the client is in use, whether its connection is alive. */
function keepBeating(client: ListeningClient, isUsed: () => boolean, lose: (error: unknown) => void): void {
  const ask = () => {
    if (isUsed()) answered(client.query('select 1')).then(() => keepBeating(client, isUsed, lose), lose)
  }
  inBackground(setTimeout(ask, heartbeatMs))
}

/** Before it is connected, a client would wait for the server's greeting to end, and keep the process running. */
async function endClient(client: ListeningClient | undefined): Promise<void> {
  if (client === undefined) return
  const stream = client.connection?.stream
  if (!connected.has(client) && stream?.destroy !== undefined) return stream.destroy()
  if (stream !== undefined) destroySoon(stream)
  await client.end().catch(() => {})
}

function answered<T>(answer: Promise<T>, withinMs = patienceMs): Promise<T> {
  return new Promise((resolve, reject) => {
    // Read first what arrived while the process was busy or frozen.
    const giveUp = () => setImmediate(reject, new Error('no answer'))
    const timer = inBackground(setTimeout(giveUp, withinMs))
    answer.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

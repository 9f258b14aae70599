import { withDeadline } from '../../runtime/deadline.ts'
import { inBackground } from '../../runtime/timers.ts'
import type { ChangeListener } from '../key-store.ts'
import { longestConnectMs } from './connections.ts'
import { toStoreError } from './driver-errors.ts'

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
  connection?: { stream?: { destroy?(): void } }
}

const firstPauseMs = 100
const longestPauseMs = 5_000
/** A connection may die silently. Only speed is lost meanwhile. */
const heartbeatMs = 10_000
const patienceMs = 3_000

/** The callbacks of a listener. */
export interface ListenerEvents {
  onChange: ChangeListener
  /** The connection is gone, or cannot be made. Called once until it is back. */
  onLost(error: unknown): void
  onRestored(): void
}

/**
 * Listens on a PostgreSQL channel over a connection of its own, and reconnects whenever that is lost. A hint
 * without keys then makes up for missed ones.
 * @returns a function that ends it.
 */
export function listenForChanges(
  makeClient: () => ListeningClient | Promise<ListeningClient>,
  channel: string,
  { onChange, onLost, onRestored }: ListenerEvents,
): () => Promise<void> {
  let client: ListeningClient | undefined
  let timer: NodeJS.Timeout | undefined
  let failures = 0
  let ended = false
  let isLost = false
  let isConnected = false

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
    isConnected = false
    const lose = (error?: unknown) => {
      if (client !== started) return
      client = undefined
      clearTimeout(timer)
      started.end().catch(() => {})
      reportLost(error)
      retryLater()
    }
    started.on('error', lose)
    started.on('end', lose)
    started.on('notification', ({ payload }) => {
      if (client === started) onChange(payload === undefined || payload === '' ? undefined : [payload])
    })
    try {
      await answered(started.connect(), longestConnectMs)
      isConnected = true
      started.unref?.()
      await answered(started.query(`listen "${channel.replaceAll('"', '""')}"`))
    } catch (error) {
      return lose(error)
    }
    if (client !== started) return
    failures = 0
    onChange()
    if (isLost) onRestored()
    isLost = false
    beat(started, lose)
  }

  function beat(started: ListeningClient, lose: (error: unknown) => void): void {
    const ask = () =>
      answered(started.query('select 1')).then(() => client === started && beat(started, lose), lose)
    timer = inBackground(setTimeout(ask, heartbeatMs))
  }

  function retryLater(): void {
    if (ended) return
    const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** failures) * (0.5 + Math.random() / 2)
    failures++
    timer = inBackground(setTimeout(start, pauseMs))
  }

  start()
  return async () => {
    ended = true
    clearTimeout(timer)
    const last = client
    client = undefined
    await endClient(last, isConnected)
  }
}

function assertClient(client: ListeningClient): ListeningClient {
  if (typeof client?.on === 'function') return client
  throw new Error('notifications makes no client of pg')
}

/** Before it is connected, a client would wait for the server's greeting to end, and keep the process running. */
async function endClient(client: ListeningClient | undefined, isConnected: boolean): Promise<void> {
  const stream = client?.connection?.stream
  if (!isConnected && stream?.destroy !== undefined) stream.destroy()
  else await client?.end().catch(() => {})
}

function answered<T>(answer: Promise<T>, withinMs = patienceMs): Promise<T> {
  return withDeadline(answer, withinMs, () => {
    throw new Error('no answer')
  })
}

import { connect, type Socket } from 'node:net'

export interface LoadOptions {
  port: number
  /** The request as sent, again and again; or what makes the next one. */
  request: Buffer | (() => Buffer)
  connections: number
}

export interface LoadResult {
  answered: number
  seconds: number
  /** Number of answers by status. */
  statuses: Record<number, number>
}

export interface ArrivalsResult {
  /** Milliseconds from when each request was due to its answer, ascending. */
  latencies: Float64Array
  /** Milliseconds by which the load itself was late where a connection was free, ascending. */
  lateness: Float64Array
  /** Number of answers by status. */
  statuses: Record<number, number>
}

/** A plain HTTP/1.1 request over keep-alive. */
export function postRequest(path: string, headers: Record<string, string>, body: string): Buffer {
  const lines = Object.entries({ host: 'localhost', ...headers, 'content-length': Buffer.byteLength(body) })
  return Buffer.from(
    `POST ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`,
  )
}

/** Sends requests on several connections, one after another on each: as many as the server answers. */
export async function runLoad(options: LoadOptions & { durationMs: number }): Promise<LoadResult> {
  const statuses: Record<number, number> = {}
  let answered = 0
  const startedAt = performance.now()
  const endsAt = startedAt + options.durationMs
  await Promise.all(
    Array.from({ length: options.connections }, () =>
      converse(options, (connection, status) => {
        if (status !== undefined) {
          answered++
          statuses[status] = (statuses[status] ?? 0) + 1
        }
        if (performance.now() < endsAt) connection.send()
        else connection.end()
      }),
    ),
  )
  return { answered, seconds: (performance.now() - startedAt) / 1_000, statuses }
}

/**
 * Sends one request at given times, whatever became of the earlier ones, as many independent senders do. One that finds
 * no connection free waits, and its wait counts, so that a server that stalls is not flattered. Looks at the clock all the
 * time instead of setting timers, which would be late by a millisecond: needs a processor of its own.
 *
 * @param dueMs times from the start, ascending
 */
export async function runArrivals(
  options: LoadOptions & { dueMs: readonly number[] },
): Promise<ArrivalsResult> {
  const { dueMs, connections } = options
  const statuses: Record<number, number> = {}
  const latencies = new Float64Array(dueMs.length)
  const lateness = new Float64Array(dueMs.length)
  const free: Connection[] = []
  const dueOf = new Map<Connection, number>()
  let startedAt = Number.POSITIVE_INFINITY
  let sent = 0
  let answered = 0
  let onTime = 0

  const conversations = Array.from({ length: connections }, () =>
    converse(options, (connection, status) => {
      if (status !== undefined) {
        latencies[answered++] = performance.now() - startedAt - (dueOf.get(connection) as number)
        statuses[status] = (statuses[status] ?? 0) + 1
      }
      const isDue = sent < dueMs.length && (dueMs[sent] as number) <= performance.now() - startedAt
      if (isDue) send(connection)
      else free.push(connection)
      if (free.length === connections && startedAt === Number.POSITIVE_INFINITY) {
        startedAt = performance.now()
        watch()
      }
    }),
  )
  await Promise.all(conversations)
  return { latencies: latencies.sort(), lateness: lateness.subarray(0, onTime).sort(), statuses }

  function watch(): void {
    while (free.length > 0 && sent < dueMs.length) {
      const lateMs = performance.now() - startedAt - (dueMs[sent] as number)
      if (lateMs < 0) break
      lateness[onTime++] = lateMs
      send(free.pop() as Connection)
    }
    if (answered < dueMs.length) setImmediate(watch)
    else for (const connection of free) connection.end()
  }

  function send(connection: Connection): void {
    dueOf.set(connection, dueMs[sent++] as number)
    connection.send()
  }
}

/** Times of independent arrivals: gaps of random length, exponentially distributed. */
export function randomArrivals(perSecond: number, durationMs: number): number[] {
  const times: number[] = []
  for (let at = 0; ; ) {
    at += (-Math.log(1 - Math.random()) * 1_000) / perSecond
    if (at >= durationMs) return times
    times.push(at)
  }
}

interface Connection {
  send(): void
  end(): void
}

const headEnd = Buffer.from('\r\n\r\n')

/**
 * Keeps a connection open, again where the server closes it, until it is ended. Written for this bench as it needs a
 * quarter of what the server does per request, so that the server is the limit.
 *
 * @param onFree called when a request can be sent, with the status of the answer if one came before
 */
function converse(
  { port, request }: LoadOptions,
  onFree: (connection: Connection, status?: number) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let pending: Buffer | undefined
    let status: number | undefined
    let isClosing = false
    let hasEnded = false
    let socket = open()
    const connection: Connection = {
      send: () => socket.write(typeof request === 'function' ? request() : request),
      end() {
        hasEnded = true
        socket.destroy()
      },
    }

    function open(): Socket {
      const opened = connect({ port, host: '127.0.0.1', noDelay: true })
      opened.on('connect', () => onFree(connection, status))
      opened.on('data', receive)
      opened.on('error', reject)
      opened.on('close', () => {
        if (hasEnded) resolve()
        else if (isClosing) socket = open()
        else reject(new Error('the server closed a connection without saying so'))
      })
      return opened
    }

    function receive(chunk: Buffer): void {
      const bytes = pending === undefined ? chunk : Buffer.concat([pending, chunk])
      const end = bytes.indexOf(headEnd)
      const head = end === -1 ? '' : bytes.toString('latin1', 0, end)
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1])
      if (end === -1 || bytes.length < end + 4 + length) {
        pending = bytes
        return
      }
      pending = undefined
      status = Number(head.slice(9, 12))
      isClosing = /\nconnection: close/i.test(head)
      if (!isClosing) onFree(connection, status)
    }
  })
}

import { connect, type Socket } from 'node:net'

export interface LoadOptions {
  port: number
  /** The request as sent, again and again. */
  request: Buffer
  connections: number
  durationMs: number
  /** Requests per second in all; left out: as many as the server answers. */
  perSecond?: number
}

export interface LoadResult {
  answered: number
  seconds: number
  /** Number of answers by status. */
  statuses: Record<number, number>
  /** Milliseconds from when a request was due to its answer, so that a stalled server is not flattered. */
  latencies: number[]
}

const headEnd = Buffer.from('\r\n\r\n')

/** A plain HTTP/1.1 request over keep-alive. */
export function postRequest(path: string, headers: Record<string, string>, body: string): Buffer {
  const lines = Object.entries({ host: 'localhost', ...headers, 'content-length': Buffer.byteLength(body) })
  return Buffer.from(
    `POST ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`,
  )
}

/**
 * Sends one request over and over on several connections, one at a time on each, and reconnects where the server closes.
 * Written for this bench as it needs a quarter of what the server does per request, so that the server is the limit.
 */
export async function runLoad(options: LoadOptions): Promise<LoadResult> {
  const { port, request, connections, durationMs, perSecond } = options
  const statuses: Record<number, number> = {}
  const latencies: number[] = []
  let answered = 0
  const startedAt = performance.now()
  const endsAt = startedAt + durationMs
  const intervalMs = perSecond === undefined ? 0 : (1_000 * connections) / perSecond

  await Promise.all(Array.from({ length: connections }, (_, index) => keepAsking(index)))
  return { answered, seconds: (performance.now() - startedAt) / 1_000, statuses, latencies }

  function keepAsking(index: number): Promise<void> {
    return new Promise((resolve, reject) => {
      let dueAt = startedAt + (intervalMs * index) / connections
      let pending: Buffer | undefined
      let socket = open()

      function open(): Socket {
        const opened = connect({ port, host: '127.0.0.1', noDelay: true })
        opened.on('connect', ask)
        opened.on('data', receive)
        opened.on('error', reject)
        opened.on('close', () => {
          if (opened !== socket) return
          if (performance.now() >= endsAt) resolve()
          else socket = open()
        })
        return opened
      }

      function ask(): void {
        const now = performance.now()
        if (now >= endsAt) {
          socket.destroy()
          return
        }
        if (dueAt > now) setTimeout(send, dueAt - now)
        else send()
      }

      function send(): void {
        if (perSecond === undefined) dueAt = performance.now()
        if (socket.writable) socket.write(request)
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
        answered++
        const status = Number(head.slice(9, 12))
        statuses[status] = (statuses[status] ?? 0) + 1
        latencies.push(performance.now() - dueAt)
        dueAt += intervalMs
        if (!/\nconnection: close/i.test(head)) ask()
      }
    })
  }
}

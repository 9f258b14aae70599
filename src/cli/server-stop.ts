import { once } from 'node:events'
import type { Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { inBackground } from '../runtime/timers.ts'

/** How long a request may take after the server was asked to stop. */
const stopGraceMs = 5_000
/**
 * How long a connection without a request may take to send the headers of one. Node does not count it as idle
 * while it has sent nothing, or half of them.
 */
const headersGraceMs = 500
/** How often connections that have become idle are closed, and new streams ended. */
const lookEveryMs = 50

/**
 * For a server that does not listen yet: returns a function that stops it once current requests are answered.
 */
export function serverStop(server: Server): () => Promise<void> {
  const unfinished = new Set<ServerResponse>()
  const open = new Set<Socket>()
  let isStopping = false
  server.on('connection', (socket: Socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })
  server.prependListener('request', (_request, response: ServerResponse) => {
    // Clients on open connections are told to connect elsewhere.
    if (isStopping) response.shouldKeepAlive = false
    unfinished.add(response)
    response.once('close', () => unfinished.delete(response))
  })

  /** A stream of events does not end by itself. */
  function endStreams(): void {
    for (const response of unfinished) if (response.headersSent && isEventStream(response)) response.end()
  }

  return async () => {
    isStopping = true
    for (const response of unfinished) if (!response.headersSent) response.shouldKeepAlive = false
    const closed = once(server, 'close')
    server.close()
    endStreams()
    const look = setInterval(() => {
      endStreams()
      server.closeIdleConnections()
    }, lookEveryMs)
    const silent = setTimeout(() => {
      const asking = new Set<Socket>([...unfinished].map(({ req }) => req.socket))
      for (const socket of open) if (!asking.has(socket)) socket.destroy()
    }, headersGraceMs)
    const timer = inBackground(setTimeout(() => server.closeAllConnections(), stopGraceMs))
    await closed
    clearInterval(look)
    clearTimeout(silent)
    clearTimeout(timer)
  }
}

function isEventStream(response: ServerResponse): boolean {
  return String(response.getHeader('content-type')).startsWith('text/event-stream')
}

import { once } from 'node:events'
import type { Server, ServerResponse } from 'node:http'
import { inBackground } from '../runtime/timers.ts'

/** Longest that a request may still take once the server is asked to stop. */
const stopGraceMs = 5_000
/** How soon a connection that has become idle since is closed, and a stream that has begun since is ended. */
const lookEveryMs = 50

/** For a server that does not listen yet: what stops it when the requests under way have their answers. */
export function serverStop(server: Server): () => Promise<void> {
  const unfinished = new Set<ServerResponse>()
  let isStopping = false
  server.prependListener('request', (_request, response: ServerResponse) => {
    // Who sends on over a connection that is open is told to connect elsewhere.
    if (isStopping) response.shouldKeepAlive = false
    unfinished.add(response)
    response.once('close', () => unfinished.delete(response))
  })

  /** A stream of events has no end of its own. */
  function endStreams(): void {
    for (const response of unfinished) if (response.headersSent && isEventStream(response)) response.end()
  }

  return async () => {
    isStopping = true
    const closed = once(server, 'close')
    server.close()
    endStreams()
    const look = setInterval(() => {
      endStreams()
      server.closeIdleConnections()
    }, lookEveryMs)
    const timer = inBackground(setTimeout(() => server.closeAllConnections(), stopGraceMs))
    await closed
    clearInterval(look)
    clearTimeout(timer)
  }
}

function isEventStream(response: ServerResponse): boolean {
  return String(response.getHeader('content-type')).startsWith('text/event-stream')
}

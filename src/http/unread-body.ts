import type { IncomingMessage, ServerResponse } from 'node:http'
import { inBackground } from '../runtime/timers.ts'
import { hasArrived } from './raw-body.ts'

/** How long, in milliseconds, a connection is kept for the rest of a body that nobody reads. */
export const patienceMs = 1_000

/** Whether the whole request has arrived, or no more of it will. */
export function isWhole(request: IncomingMessage): boolean {
  return (
    request.complete || request.destroyed || hasArrived(request, Number(request.headers['content-length']))
  )
}

/**
 * Keeps the connection for the next request: once this one is answered, Node reads the rest of its body and throws it
 * away. A client that has not sent the rest after a second is cut off.
 *
 * Call it before the answer is ended.
 */
export function throwRestAway(response: ServerResponse): void {
  const request = response.req
  if (isWhole(request)) return
  response.once('finish', () => {
    if (isWhole(request)) return
    const timer = setTimeout(() => request.destroy(), patienceMs)
    inBackground(timer)
    const stop = () => clearTimeout(timer)
    request.once('end', stop)
    request.once('close', stop)
  })
}

import type { Readable } from 'node:stream'

function ignore(): void {}

/**
 * Takes an `'error'` listener off a request. When a client goes away, Node looks whether there is one, and emits the error
 * a tick later. Bun says in between that the response has closed. Whoever stops listening then lets the error end the
 * process.
 */
export function offError(request: Readable, listener: () => void): void {
  if (request.errored !== null) request.once('error', ignore)
  request.off('error', listener)
}

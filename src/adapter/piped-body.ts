import type { ClientRequest, IncomingMessage } from 'node:http'
import { nodeStream } from '../runtime/built-ins.ts'
import { sharedByCopies } from '../runtime/shared-by-copies.ts'
import { acceptedBodyOf } from './request-context.ts'

/**
 * Lets a proxy pipe a request whose body has been read: it sends the accepted events on, as JSON. Parsers notice nothing: what they read
 * of such a request they read by its events, and find it ended.
 *
 * @param request Node's, verified and with its body read
 */
export function letPipe(request: IncomingMessage): void {
  // On the request itself, where no framework's prototype hides it.
  request.pipe = pipeFromStart
}

function pipeFromStart<Target extends NodeJS.WritableStream>(
  this: IncomingMessage,
  target: Target,
  options?: { end?: boolean },
): Target {
  if (isUnsent(target)) restart(this, sayAndSend(target, acceptedBytes(this)))
  else restart(this, (push) => send(push, acceptedBytes(this)))
  return this.pipe(target, options)
}

function acceptedBytes(request: IncomingMessage): Uint8Array {
  return Buffer.from(JSON.stringify(acceptedBodyOf(request)))
}

/** Whether it is a request of Node's client that nothing has been said of yet. */
function isUnsent(target: NodeJS.WritableStream): target is ClientRequest {
  return 'reusedSocket' in target && !(target as ClientRequest).headersSent
}

type Push = (chunk: Uint8Array | null) => void

function send(push: Push, bytes: Uint8Array): void {
  push(bytes)
  push(null)
}

/**
 * Proxies have copied the headers, and some of them have made their own of what was missing. Some are told to send `request.body` by
 * themselves, once they have a connection: it must not go out twice.
 */
function sayAndSend(target: ClientRequest, bytes: Uint8Array): (push: Push) => void {
  target.removeHeader('transfer-encoding')
  target.setHeader('content-length', bytes.length)
  return (push) => {
    const sendUnlessSent = () => (target.headersSent ? push(null) : send(push, bytes))
    // Behind whoever is told of the connection first, as http-proxy's `proxyReq` is.
    if (target.socket === null) target.once('socket', sendUnlessSent)
    else sendUnlessSent()
  }
}

const rewinding = /* @__PURE__ */ sharedByCopies('rewinding', () => new WeakSet<object>())

/** Notes that a prototype starts requests over by itself. */
export function markRewinding(prototype: object): void {
  rewinding.add(prototype)
}

export function isRewinding(prototype: object): boolean {
  return rewinding.has(prototype)
}

/** Gives a request whose prototype says so a stream of the accepted events, as JSON, that has not begun. */
export function startOver(request: IncomingMessage): void {
  if (isRewinding(Object.getPrototypeOf(request)))
    restart(request, (push) => send(push, acceptedBytes(request)))
}

/** The listeners of the request stay, and so does what Node wants with it. */
function restart(request: IncomingMessage, sendBody: (push: Push) => void): void {
  Reflect.deleteProperty(request, 'pipe')
  const { _readableState: endedState } = request as unknown as { _readableState: { destroyed: boolean } }
  // Before Node 24, `Readable.toWeb` has taken this state, and asks it last.
  endedState.destroyed = false
  const prototype: object = Object.getPrototypeOf(request)
  if (isRewinding(prototype)) Object.setPrototypeOf(request, Object.getPrototypeOf(prototype))
  Reflect.apply(nodeStream().Readable, request, [
    {
      autoDestroy: false,
      read(this: IncomingMessage) {
        sendBody((chunk) => this.push(chunk))
      },
    },
  ])
}

import type { IncomingMessage } from 'node:http'
import { nodeStream } from '../runtime/built-ins.ts'
import { sayLengthOf } from './accepted-body.ts'
import { acceptedBodyOf } from './request-context.ts'

/**
 * Lets a framework further in read the body of a request as if nobody had: it gets the accepted events, as JSON. Nothing is written
 * or copied before somebody reads. Express takes no notice: it gives requests a prototype of its own, finds the stream at its end,
 * and its parsers pass on, whatever their limits.
 *
 * @param request Node's, verified and with its body read
 */
export function rewindBody(request: IncomingMessage): void {
  const body = acceptedBodyOf(request)
  if (body === undefined) return
  const { headers } = request
  sayLengthOf(headers, body)
  // Parsers know no other name: not that of an `application/cloudevents+json`, which is JSON all the same.
  if (headers['content-type']?.startsWith('application/json') !== true)
    headers['content-type'] = 'application/json'
  const prototype: object = Object.getPrototypeOf(request)
  if (rewinding.has(prototype)) return
  let made = rewindingBy.get(prototype)
  if (made === undefined) {
    made = createRewinding(prototype)
    rewindingBy.set(prototype, made)
    rewinding.add(made)
  }
  Object.setPrototypeOf(request, made)
}

const rewindingBy = new WeakMap<object, object>()
const rewinding = new WeakSet<object>()

/** Whatever somebody does first to read a stream that is at its beginning. */
const firstSteps = ['on', 'addListener', 'pipe', 'read', 'setEncoding', Symbol.asyncIterator] as const

/** … or looks at, to tell whether it can be read. */
const firstLooks = ['readable', 'closed', 'destroyed'] as const

function createRewinding(prototype: object): object {
  const made: object = Object.create(prototype)
  for (const step of firstSteps) {
    Object.defineProperty(made, step, {
      configurable: true,
      writable: true,
      value(this: IncomingMessage, ...args: unknown[]) {
        const isListening = step === 'on' || step === 'addListener'
        if (!isListening || args[0] === 'data' || args[0] === 'readable') startOver(this, prototype)
        return Reflect.apply(Reflect.get(prototype, step, this), this, args)
      },
    })
  }
  for (const state of firstLooks) {
    Object.defineProperty(made, state, {
      configurable: true,
      get(this: IncomingMessage) {
        startOver(this, prototype)
        return this[state]
      },
    })
  }
  return made
}

/** Gives the request a stream that has not begun. Its listeners stay, and so does what Node wants with it. */
function startOver(request: IncomingMessage, prototype: object): void {
  if (!rewinding.has(Object.getPrototypeOf(request))) return
  Object.setPrototypeOf(request, prototype)
  const bytes = Buffer.from(JSON.stringify(acceptedBodyOf(request)))
  Reflect.apply(nodeStream().Readable, request, [
    {
      autoDestroy: false,
      read(this: IncomingMessage) {
        this.push(bytes)
        this.push(null)
      },
    },
  ])
}

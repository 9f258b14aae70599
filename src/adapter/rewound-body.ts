import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { sharedByCopies } from '../runtime/shared-by-copies.ts'
import { computedProperty } from './computed-property.ts'
import { sayLengthOf } from './json-length.ts'
import { isRewinding, markRewinding, startOver } from './piped-body.ts'
import { acceptedBodyOf } from './request-context.ts'

/**
 * Lets an inner framework read the body of a request as if nobody had: it gets the accepted events, as JSON.
 * Nothing is written or copied before somebody reads. Express's parsers do not notice: Express gives requests
 * its own prototype, so they find the stream at its end and leave it alone, whatever their limits. A proxy in
 * Express that pipes the request still gets the events.
 *
 * @param request Node's, verified and with its body read
 * @param looks `'at its end'`: whoever looks before reading finds a body that has been read, as body-parser does, which passes on then
 */
export function rewindBody(request: IncomingMessage, looks: 'unread' | 'at its end' = 'unread'): void {
  const body = acceptedBodyOf(request)
  if (body === undefined) return
  const { headers } = request
  sayLengthOf(headers, body)
  sayInRawHeaders(request)
  // Parsers know no other name, not even `application/cloudevents+json`, which is JSON as well.
  if (headers['content-type']?.startsWith('application/json') !== true)
    headers['content-type'] = 'application/json'
  const prototype: object = Object.getPrototypeOf(request)
  if (isRewinding(prototype)) return
  let made = rewindingBy[looks].get(prototype)
  if (made === undefined) {
    made = createRewinding(prototype, firstLooks[looks])
    rewindingBy[looks].set(prototype, made)
    markRewinding(made)
  }
  Object.setPrototypeOf(request, made)
}

/** Fields that described the original body. */
const bodyFields = ['content-type', 'content-length', 'content-encoding', 'transfer-encoding'] as const

/** Some frameworks look there, such as `@hono/node-server`. Computed on demand. */
function sayInRawHeaders(request: IncomingMessage): void {
  const { rawHeaders, headers } = request
  defineRawHeaders(request, { rawHeaders, headers, shown: undefined })
}

interface ShownFields {
  readonly rawHeaders: readonly string[]
  readonly headers: IncomingHttpHeaders
  shown: string[] | undefined
}

const defineRawHeaders = computedProperty<ShownFields>('rawHeaders', {
  get: (fields) => (fields.shown ??= withBodyFields(fields.rawHeaders, fields.headers)),
  set(fields, value) {
    fields.shown = value as string[]
  },
})

function withBodyFields(asSent: readonly string[], headers: IncomingHttpHeaders): string[] {
  const isBodyField = (name = '') => (bodyFields as readonly string[]).includes(name.toLowerCase())
  const fields = asSent.filter((_, index) => !isBodyField(asSent[index - (index % 2)]))
  for (const name of bodyFields) {
    if (!(name in headers)) continue
    const at = fields.push(name, '') - 1
    // The length is computed on demand, too: most look for other fields.
    Object.defineProperty(fields, at, { enumerable: true, configurable: true, get: () => headers[name] })
  }
  return fields
}

const rewindingBy = /* @__PURE__ */ sharedByCopies('rewindingBy', () => ({
  unread: new WeakMap<object, object>(),
  'at its end': new WeakMap<object, object>(),
}))

/** The first call of anybody who reads a fresh stream, or who throws it away and waits for its end. */
const firstSteps = ['on', 'addListener', 'read', 'resume', 'setEncoding', Symbol.asyncIterator] as const

/** … or looks at, to tell whether it can be read. */
const firstLooks = {
  unread: ['readable', 'readableDidRead', 'closed', 'destroyed'],
  'at its end': ['closed', 'destroyed'],
} as const

function createRewinding(prototype: object, looks: readonly (keyof IncomingMessage)[]): object {
  const made: object = Object.create(prototype)
  for (const step of firstSteps) {
    Object.defineProperty(made, step, {
      configurable: true,
      writable: true,
      value(this: IncomingMessage, ...args: unknown[]) {
        const isListening = step === 'on' || step === 'addListener'
        if (!isListening || args[0] === 'data' || args[0] === 'readable') startOver(this)
        return Reflect.apply(Reflect.get(prototype, step, this), this, args)
      },
    })
  }
  for (const state of looks) {
    Object.defineProperty(made, state, {
      configurable: true,
      get(this: IncomingMessage) {
        startOver(this)
        return this[state]
      },
    })
  }
  return made
}

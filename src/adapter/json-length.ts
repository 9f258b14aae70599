import type { IncomingHttpHeaders } from 'node:http'
import { computedProperty } from './computed-property.ts'

const defineLength = computedProperty<unknown>('content-length', {
  get: (body) => String(Buffer.byteLength(JSON.stringify(body))),
  set: (_, value, headers) =>
    Object.defineProperty(headers, 'content-length', {
      configurable: true,
      enumerable: true,
      value,
      writable: true,
    }),
})

/** The `Content-Length` of a value as JSON. Computed on demand: few ask, and a batch may have megabytes. */
export function sayLengthOf(headers: IncomingHttpHeaders, body: unknown): void {
  defineLength(headers, body)
}

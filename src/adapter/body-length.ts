import type { IncomingHttpHeaders } from 'node:http'

/** The `Content-Length` of a value as JSON. Worked out for whoever asks: few do, and a batch may have megabytes. */
export function sayLengthOf(headers: IncomingHttpHeaders, body: unknown): void {
  Object.defineProperty(headers, 'content-length', {
    configurable: true,
    enumerable: true,
    get: () => String(Buffer.byteLength(JSON.stringify(body))),
    set: (value) => Object.defineProperty(headers, 'content-length', { value, writable: true }),
  })
}

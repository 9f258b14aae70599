import type { IncomingMessage } from 'node:http'

/**
 * Removes header fields from a request. Node works `headersDistinct` out later, by the number of fields that came: it is asked for now, for
 * it would fail once `rawHeaders` has fewer.
 */
export function removeFields(request: IncomingMessage, names: readonly string[]): void {
  const { headers, headersDistinct } = request
  for (const name of names) {
    delete headers[name]
    // HTTP/2 has none.
    if (headersDistinct !== undefined) delete headersDistinct[name]
  }
}

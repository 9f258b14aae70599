import { pathStartOf } from '../http/fetch-request.ts'
import type { CarriedKey } from '../verifier/carried-key.ts'
import { makeRequest } from './made-request.ts'

/** The same request without the key in its URL and its header fields. */
export function withoutCarriedKey(request: Request, carried: CarriedKey | undefined): Request {
  if (carried === undefined) return request
  const headers = new Headers(request.headers)
  for (const name of carried.headers) headers.delete(name)
  const { url } = request
  const pathStart = pathStartOf(url)
  const shown = url.slice(0, pathStart) + carried.hideInUrl(url.slice(pathStart))
  // What has been read cannot be handed on, and the rest will be replaced by the accepted events.
  const { method, signal } = request
  return makeRequest(shown, { method, signal, headers })
}

/**
 * The same request with the accepted events as its body, and headers that say so.
 *
 * @param isNodes whether it has been made of Node's request: it has nothing then that would have to be copied
 */
export function withAcceptedBody(request: Request, text: string, isNodes = false): Request {
  const headers = new Headers(request.headers)
  headers.set('content-type', 'application/json')
  for (const name of ['content-encoding', 'content-length', 'transfer-encoding']) headers.delete(name)
  if (!isNodes) {
    try {
      return new Request(request, { headers, body: text })
    } catch {
      // It only looks like a Request, as those of srvx do, which h3 and Nitro run on: it cannot be copied.
    }
  }
  const { url, method, signal } = request
  return makeRequest(url, { method, signal, headers, body: text })
}

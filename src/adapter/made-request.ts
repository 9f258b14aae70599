/** Methods for which `new Request` throws (Fetch, 2.2.1), though a server may get them. */
export const forbiddenMethod = /^(?:connect|trace|track)$/i

/**
 * A web-standard request with any method that Node takes.
 * @param init with a body or without, whatever the method is; of GET and HEAD none is taken
 */
export function makeRequest(url: string | URL, init: RequestInit & { method: string }): Request {
  const { method } = init
  if (!forbiddenMethod.test(method)) return new Request(url, init)
  const isBodiless = init.body === undefined || init.body === null
  const made = new Request(url, { ...init, method: isBodiless ? 'GET' : 'POST' })
  return Object.defineProperty(made, 'method', { value: method, configurable: true })
}

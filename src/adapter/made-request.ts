import { pathStartOf } from '../http/fetch-request.ts'

/** Methods for which `new Request` throws (Fetch, 2.2.1), though a server may get them. */
export const forbiddenMethod = /^(?:connect|trace|track)$/i

/**
 * A web-standard request with any method that Node takes.
 * @param url a path alone, or what no URL parser takes, gets a host that nobody has: Bun hands on requests so whose `Host` is missing or no host
 * @param init with a body or without, whatever the method is; of GET and HEAD none is taken
 */
export function makeRequest(url: string | URL, init: RequestInit & { method: string }): Request {
  const { method } = init
  const target =
    typeof url === 'string' && !isReadable(url) ? `http://host.invalid${url.slice(pathStartOf(url))}` : url
  if (!forbiddenMethod.test(method)) return new Request(target, init)
  const isBodiless = init.body === undefined || init.body === null
  const made = new Request(target, { ...init, method: isBodiless ? 'GET' : 'POST' })
  return Object.defineProperty(made, 'method', { value: method, configurable: true })
}

/** Whether a request's URL can be read. Bun hands on some that cannot. Nothing of ours is built from the host. */
export function isReadable(url: string): boolean {
  return URL.canParse(url)
}

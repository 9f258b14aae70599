import { markFailed } from '../http/failed-request.ts'
import { fetchPathOf, pathStartOf } from '../http/fetch-request.ts'
import { pathStart } from '../http/request-target.ts'
import type { FetchHandler } from './fetch-exchange.ts'
import { nodeOf } from './fetch-passage.ts'
import { isReadable, makeRequest } from './made-request.ts'

/** The path of a request below a prefix; undefined when it is elsewhere. */
export function pathBelow(request: Request, prefix: string): string | undefined {
  const path = fetchPathOf(request)
  return path.startsWith(prefix) ? path.slice(prefix.length) : undefined
}

/**
 * Answers a request that belongs to a management API below a prefix, as the API would at the root.
 * @param info `address`: asked for only then; `sent`: the target as the client sent it, where the framework has it
 * @returns undefined when it belongs to others
 */
export async function answerAdmin(
  api: FetchHandler,
  request: Request,
  prefix: string,
  info: { address(): string | undefined; sent?: string | undefined },
): Promise<Response | undefined> {
  const path = pathBelow(request, prefix)
  if (path === undefined || !api.handles(path)) return undefined
  const sent = info.sent ?? nodeOf(request)?.req?.url
  const asked = sent !== undefined && isFolded(sent) ? withPath(request, '/') : withoutPrefix(request, prefix)
  return api.fetch(asked, requestInfo(info.address))
}

/** A function that throws fails the call: the API answers and logs it. */
function requestInfo(address: () => string | undefined): { address?: string | undefined } {
  try {
    return { address: address() }
  } catch (error) {
    return markFailed({}, error)
  }
}

/** Whether the URL parser makes another path of a target. No operation has such a path: code in front of us has seen what was sent. */
function isFolded(target: string): boolean {
  const [path = ''] = target.slice(pathStart(target)).split('?')
  try {
    return new URL(`http://localhost${path}`).pathname !== path
  } catch {
    return true
  }
}

function withoutPrefix(request: Request, prefix: string): Request {
  const { url } = request
  if (prefix === '' && isReadable(url)) return request
  return withPath(request, url.slice(pathStartOf(url) + prefix.length))
}

/** @param target path and query */
function withPath(request: Request, target: string): Request {
  const { method, url, headers, signal, body } = request
  const isBodiless = method === 'GET' || method === 'HEAD' || body === null
  return makeRequest(url.slice(0, pathStartOf(url)) + target, {
    method,
    headers,
    signal,
    ...(!isBodiless && { body, duplex: 'half' }),
  } as RequestInit & { method: string })
}

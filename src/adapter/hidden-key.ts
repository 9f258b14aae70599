import type { IncomingMessage } from 'node:http'
import type { CarriedKey } from '../verifier/carried-key.ts'
import { removeFields } from './removed-fields.ts'

/** Where frameworks keep parts of a request's target. */
export interface TargetHolder {
  url?: string | undefined
  originalUrl?: string | undefined
  baseUrl?: string | undefined
  params?: unknown
  /** What Koa's router has found in the path, as it was sent. */
  captures?: unknown
  query?: unknown
}

const urls = ['url', 'originalUrl', 'baseUrl'] as const
const found = ['params', 'captures'] as const
/** What has been read from a target, and is read anew when it is missing: by parseurl, of Express and Connect, and by Koa. */
const readAnew = ['_parsedUrl', '_parsedOriginalUrl', '_querycache', 'memoizedURL'] as const

/**
 * Removes the key from a request, wherever it stood except in `Authorization` and the body: from header
 * fields and the URL, and from what frameworks have derived from them. Routers restore URL and parameters
 * from saved copies when they go on: it is removed from those, too.
 *
 * @param request Node's own
 * @param carried from the verdict; undefined = nothing to do
 * @param holders the framework's own objects, where it has some (Koa's context and request, Fastify's
 * request)
 */
export function hideKey(
  request: IncomingMessage,
  carried: CarriedKey | undefined,
  ...holders: TargetHolder[]
): void {
  if (carried === undefined) return
  hideFields(request, carried)
  if (!carried.inUrl) return
  for (const holder of [request as TargetHolder, ...holders]) {
    for (const name of urls)
      if (typeof holder[name] === 'string') keepHidden(holder, name, hideInUrl(carried))
    for (const name of readAnew) Reflect.deleteProperty(holder, name)
    hideInSymbols(holder, carried)
    if (Object.hasOwn(holder, 'query')) hideInQuery(holder.query, carried)
    for (const name of found) {
      if (holder[name] !== undefined) hideInParams(holder[name], carried)
      // Express 5 sets them anew for each layer, @koa/router for each of its own.
      if (Object.hasOwn(holder, name)) keepHidden(holder, name, (value) => hideInParams(value, carried))
    }
  }
}

/** Fastify keeps the whole URL under a symbol of its own. */
function hideInSymbols(holder: object, { hideInUrl }: CarriedKey): void {
  for (const name of Object.getOwnPropertySymbols(holder)) {
    const { value } = Object.getOwnPropertyDescriptor(holder, name) ?? {}
    if (typeof value === 'string' && hideInUrl(value) !== value) Reflect.set(holder, name, hideInUrl(value))
  }
}

function hideInUrl({ hideInUrl }: CarriedKey) {
  return (value: unknown) => (typeof value === 'string' ? hideInUrl(value) : value)
}

/** Header fields that hold the key, and what HTTP/2 calls the target. */
function hideFields(request: IncomingMessage, { headers: names, inUrl, hideInUrl }: CarriedKey): void {
  const { headers } = request
  if (names.length > 0) removeFields(request, names)
  const target = inUrl ? headers[':path'] : undefined
  if (typeof target === 'string') headers[':path'] = hideInUrl(target)
  if (names.length === 0 && target === undefined) return
  const fields = request.rawHeaders
  const shown: string[] = []
  for (let index = 0; index < fields.length; index += 2) {
    const [name = '', value = ''] = fields.slice(index, index + 2)
    if (names.includes(name.toLowerCase())) continue
    shown.push(name, name === ':path' ? hideInUrl(value) : value)
  }
  // A getter in HTTP/2.
  Object.defineProperty(request, 'rawHeaders', {
    configurable: true,
    enumerable: true,
    writable: true,
    value: shown,
  })
}

/**
 * Hides the key now, and in any value set later. What is computed from elsewhere follows, unless it was
 * cached.
 */
function keepHidden(holder: object, name: string, hide: (value: unknown) => unknown): void {
  const own = Object.getOwnPropertyDescriptor(holder, name)
  const given: unknown = Reflect.get(holder, name)
  let value = hide(given)
  if (own === undefined) {
    if (value !== given && !Reflect.set(holder, name, value))
      Object.defineProperty(holder, name, { configurable: true, value })
  } else if (own.configurable === true) {
    Object.defineProperty(holder, name, {
      configurable: true,
      enumerable: own.enumerable ?? true,
      get: () => value,
      set(later: unknown) {
        value = hide(later)
      },
    })
  }
}

function hideInParams(params: unknown, carried: CarriedKey): unknown {
  if (typeof params !== 'object' || params === null) return params
  for (const [name, value] of Object.entries(params)) {
    const shown = Array.isArray(value) ? value.map(carried.hideParameter) : carried.hideParameter(value)
    if (shown !== value) Reflect.set(params, name, shown)
  }
  return params
}

function hideInQuery(query: unknown, carried: CarriedKey): void {
  if (typeof query !== 'object' || query === null) return
  for (const [name, value] of Object.entries(query)) {
    if (carried.isInQuery(name, value)) Reflect.deleteProperty(query, name)
  }
}

import type { IngestRequest } from '../http/ingest-request.ts'
import type { Credentials, Presented } from './credentials.ts'
import { decodeSegment } from './path-credential.ts'
import type { Visit } from './visit.ts'

/**
 * What must be removed from a request before others see it, because it holds the key. Adapters do so.
 * `Authorization` stays.
 */
export interface CarriedKey {
  /** Names of header fields, in lower case. */
  readonly headers: readonly string[]
  /** Whether the URL holds it. */
  readonly inUrl: boolean
  /**
   * A URL, or what routers have left of it, without the key's parameter and with the key's id in place of the
   * key.
   */
  hideInUrl(url: string): string
  /** What a router has made of a segment, or of several by a wildcard: the key's id in place of the key. */
  hideParameter(value: unknown): unknown
  /** Whether a parameter of the query holds the key. */
  isInQuery(name: string, value: unknown): boolean
}

/** Placeholder for an unknown key. */
const unknownKey = 'unknown-key'

/**
 * @param presented as it was found
 * @param keyId undefined when the key is not known
 * @returns undefined when neither URL nor headers hold the key
 */
export function findCarriedKey(
  { paths, headers, queryNames, hasFunctions }: Credentials,
  request: IngestRequest,
  presented: Presented,
  keyId: string | undefined,
): CarriedKey | undefined {
  /** Where a function looked is not known, so the key is found by its value. */
  const secret = hasFunctions && typeof presented === 'string' && presented !== '' ? presented : undefined
  const segments = new Set(paths.flatMap((segmentOf) => segmentOf(request.path) ?? []))
  if (secret !== undefined)
    for (const segment of request.path.split('/'))
      if (decodeSegment(segment) === secret) segments.add(segment)
  const values = new Set([...segments].flatMap((segment) => [segment, decodeSegment(segment) ?? segment]))
  if (secret !== undefined) values.add(secret)
  const carriers = carrierFields(request, headers, secret)
  const id = keyId ?? unknownKey

  function isInQuery(name: string, value: unknown): boolean {
    return queryNames.includes(name) || (secret !== undefined && value === secret)
  }

  function isKeyParameter(parameter: string): boolean {
    const [entry] = new URLSearchParams(parameter)
    return entry !== undefined && isInQuery(...entry)
  }

  function hideAmong(holders: ReadonlySet<string>, path: string): string {
    return path
      .split('/')
      .map((segment) => (holders.has(segment) ? id : segment))
      .join('/')
  }

  function hideInUrl(url: string): string {
    const queryStart = url.indexOf('?')
    const path = queryStart === -1 ? url : url.slice(0, queryStart)
    const shown = hideAmong(segments, path)
    if (queryStart === -1) return shown
    const query = withoutParameters(url.slice(queryStart + 1), isKeyParameter)
    return query === '' ? shown : `${shown}?${query}`
  }

  const inUrl = segments.size > 0 || queryEntries(request.query).some((entry) => isInQuery(...entry))
  if (!inUrl && carriers.length === 0) return undefined
  return {
    headers: carriers,
    inUrl,
    hideInUrl,
    hideParameter: (value) => (typeof value === 'string' ? hideAmong(values, value) : value),
    isInQuery,
  }
}

function carrierFields(
  { headers }: IngestRequest,
  names: readonly string[],
  secret: string | undefined,
): string[] {
  const carriers = names.filter((name) => headers[name] !== undefined)
  if (secret === undefined) return carriers
  const others = Object.keys(headers).filter(
    (name) => name !== 'authorization' && headers[name] === secret && !carriers.includes(name),
  )
  return [...carriers, ...others]
}

function withoutParameters(query: string, isKey: (parameter: string) => boolean): string {
  const parameters = query.split('&')
  return parameters.filter((parameter) => !isKey(parameter)).join('&')
}

function queryEntries(query: IngestRequest['query']): [string, unknown][] {
  if (query === undefined || query === '') return []
  if (typeof query === 'string') return [...new URLSearchParams(query)]
  return query instanceof URLSearchParams ? [...query] : Object.entries(query)
}

/** Whether a key may be anywhere but in `Authorization` and the body, which are handled elsewhere. */
export function mayCarryKey({ headers, queryNames, paths, hasFunctions }: Credentials): boolean {
  return headers.length > 0 || queryNames.length > 0 || paths.length > 0 || hasFunctions
}

/** The same target as handlers see it. */
export function withoutKey(request: IngestRequest, carried: CarriedKey): IngestRequest {
  const { path, query } = request
  const seen = { ...request, path: carried.hideInUrl(path) }
  if (typeof query === 'string') seen.query = carried.hideInUrl(`?${query.replace(/^\?/, '')}`).slice(1)
  return seen
}

/** A request for watchers: without anything that holds the key, except `Authorization`. */
export function withoutCarriedKey(visit: Visit): IngestRequest {
  const { request, reading, presented, keyId } = visit
  if (!mayCarryKey(reading.credentials) || typeof request.path !== 'string') return request
  const carried = findCarriedKey(reading.credentials, request, presented, keyId)
  if (carried === undefined) return request
  const headers = { ...request.headers }
  for (const name of carried.headers) delete headers[name]
  return { ...withoutKey(request, carried), headers }
}

/**
 * Properties of the body and its events that hold the key, beside `writeKey`. A key found by a function is
 * known by its value only.
 */
export function keyFieldsOf(
  { bodyFields, hasFunctions }: Credentials,
  presented: Presented,
  body: unknown,
): readonly string[] {
  if (!hasFunctions || typeof presented !== 'string') return bodyFields
  const fields = new Set(bodyFields)
  function addHolders(value: unknown): void {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return
    for (const [name, inner] of Object.entries(value)) if (inner === presented) fields.add(name)
  }
  addHolders(body)
  // Events stand in the body itself or in a list in it, whatever its name.
  for (const list of [body, ...Object.values(body ?? {})]) if (Array.isArray(list)) list.forEach(addHolders)
  return [...fields]
}

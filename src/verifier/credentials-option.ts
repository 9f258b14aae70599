import type { CredentialSource, IngestRequest } from '../http/ingest-request.ts'
import { badOption, ConfigError } from '../runtime/config-error.ts'
import type { OptionReader } from '../runtime/options.ts'
import {
  type Credentials,
  onlyValue,
  presentedByBasic,
  presentedByBearer,
  presentedByBody,
  presentedByQuery,
  type Source,
} from './credentials.ts'
import { compilePathPattern, decodeSegment, type PathPattern, problemOfPath } from './path-credential.ts'

const expected =
  "'basic', 'bearer', 'header', 'query', 'body', { header: 'X-Api-Key' }, { query: 'token' }, { path: '/e/:key' }, { body: 'api_key' } or a function"

/** The option `credentials`: one place, or a list of them. Compiled once for each list that is frozen. */
export const credentialsOption: OptionReader<Credentials> = (value = defaultPlaces, option) => {
  const known = compiled.get(value as object)
  if (known !== undefined) return known
  const credentials = compileCredentials(value, option)
  if (typeof value === 'object' && Object.isFrozen(value)) compiled.set(value as object, credentials)
  return credentials
}

const defaultPlaces: readonly CredentialSource[] = Object.freeze(['basic'])
const compiled = new WeakMap<object, Credentials>()

/** The order of places: headers come first, the body comes last. */
const ranks = { header: 0, url: 1, body: 2 } as const

interface Place {
  rank: number
  source: Source
  header?: string
  queryNames?: readonly string[]
  path?: PathPattern
  bodyField?: string
}

function compileCredentials(value: unknown, option: string): Credentials {
  const isList = Array.isArray(value)
  if (isList && value.length === 0)
    throw badOption(option, value, `${expected}, or a list with at least one of them`)
  const given: unknown[] = isList ? Array.from(value) : [value]
  // A function keeps its place: it runs after all places before it, because it may read the body.
  let highest = 0
  const places = given.map((source, index) => {
    const place = placeOf(source, highest)
    if (place === undefined) {
      if (isList) throw badPlace(`${option}[${index}]`, source, expected)
      throw badPlace(option, source, `${expected}, or a list with at least one of them`)
    }
    highest = Math.max(highest, place.rank)
    return place
  })
  const hasFunctions = places.some(({ source }) => source.at === 'function')
  const ordered = places.toSorted((one, other) => one.rank - other.rank)
  return {
    sources: ordered.map(({ source }) => source),
    headers: places.flatMap(({ header }) => header ?? []),
    queryNames: places.flatMap(({ queryNames }) => queryNames ?? []),
    paths: places.flatMap(({ path }) => path ?? []),
    bodyFields: places.flatMap(({ bodyField }) => (bodyField === 'writeKey' ? [] : (bodyField ?? []))),
    hasFunctions,
    spelled: hasFunctions ? null : (given as CredentialSource[]).map(placeText),
  }
}

/** A place in one word, such as `bearer` or `header:X-Api-Key`. */
export function placeText(place: CredentialSource): string {
  return typeof place === 'string' ? place : (Object.entries(place).at(0)?.join(':') ?? '')
}

function badPlace(option: string, source: unknown, right: string): ConfigError {
  const { message } = badOption(option, source, right)
  return new ConfigError(option, [message, ...causeOf(source)].join(' '))
}

/** Why an object is no place, where that is not plain. */
function causeOf(source: unknown): string[] {
  const [entry, ...more] = Object.entries(source ?? {})
  if (typeof source !== 'object' || entry === undefined) return []
  if (more.length > 0) return ['An object names one place.']
  const [kind, name] = entry
  if (typeof name !== 'string') return []
  if (kind === 'path') return [problemOfPath(name)]
  if (kind === 'header' && otherHeaders.test(name))
    return [`The header field ${name.toLowerCase()} cannot be that of the key.`]
  return []
}

function placeOf(given: unknown, functionRank: number): Place | undefined {
  if (typeof given === 'function') {
    return {
      rank: functionRank,
      source: { at: 'function', find: given as Extract<Source, { at: 'function' }>['find'] },
    }
  }
  switch (given) {
    case 'basic':
      return atHead(ranks.header, ({ headers }) => presentedByBasic(headers))
    case 'bearer':
      return atHead(ranks.header, ({ headers }) => presentedByBearer(headers))
    case 'header':
      return headerPlace('x-write-key')
    case 'query':
      return queryPlace(['writeKey', 'writekey'])
    case 'body':
      return bodyPlace('writeKey')
  }
  const [entry, ...more] = Object.entries(given ?? {})
  return entry === undefined || more.length > 0 ? undefined : namedPlace(entry)
}

/** Names of header fields (RFC 9110, 5.1). Those that describe the request itself cannot hold a key. */
const headerName = /^[\w!#$%&'*+.^`|~-]{1,100}$/
const otherHeaders = /^(?:authorization|host|cookie|origin|content-.*|transfer-encoding|connection|expect)$/i

function namedPlace([kind, name]: [string, unknown]): Place | undefined {
  if (typeof name !== 'string' || name === '' || name.length > 200) return undefined
  if (kind === 'header')
    return headerName.test(name) && !otherHeaders.test(name) ? headerPlace(name.toLowerCase()) : undefined
  if (kind === 'query') return queryPlace([name])
  if (kind === 'body') return name === '__proto__' ? undefined : bodyPlace(name)
  if (kind !== 'path') return undefined
  const path = compilePathPattern(name)
  return path && { ...atHead(ranks.url, (request) => presentedByPath(request, path)), path }
}

function atHead(
  rank: number,
  present: (request: IngestRequest) => ReturnType<typeof presentedByBasic>,
): Place {
  return { rank, source: { at: 'head', present } }
}

function headerPlace(header: string): Place {
  return { ...atHead(ranks.header, ({ headers }) => onlyValue(headers[header])), header }
}

function queryPlace(queryNames: readonly string[]): Place {
  return { ...atHead(ranks.url, ({ query }) => presentedByQuery(query, queryNames)), queryNames }
}

function bodyPlace(bodyField: string): Place {
  return {
    rank: ranks.body,
    source: { at: 'body', present: (body) => presentedByBody(body, bodyField) },
    bodyField,
  }
}

function presentedByPath({ path }: IngestRequest, segmentOf: PathPattern): string | null | undefined {
  const segment = segmentOf(path)
  return segment === undefined ? undefined : decodeSegment(segment)
}

import type { ServerResponse } from 'node:http'
import { sharedLayout } from '../runtime/shared-by-copies.ts'
import { allowCredentials, allowOrigin, mergeHeader } from './cors-merge.ts'

type WriteHead = (status: number, ...rest: unknown[]) => ServerResponse

/**
 * Makes sure that headers are on an answer when it is written, whatever happens in between: CORS middleware
 * behind us sets its own, and Koa drops all of them for an error. Lists are merged again. Rate headers that
 * something behind us has set stay. An allowed origin must not be set before: once CORS middleware has granted
 * credentials, nobody could tell whether it granted them to that origin or to others only.
 */
export function keepHeaders(response: ServerResponse, headers: Readonly<Record<string, string>>): void {
  const holder = response as KeepingResponse
  const kept = holder[keptOf]
  if (kept !== undefined) {
    kept.headers.push(headers)
    return
  }
  holder[keptOf] = { headers: [headers], writeHead: response.writeHead as WriteHead }
  response.writeHead = writeHeadWithOurs as ServerResponse['writeHead']
}

/** For a refusal behind the guards whose headers these are. */
export function dropKeptHeaders(response: object): void {
  const kept = (response as KeepingResponse)[keptOf]
  if (kept !== undefined) kept.headers = []
}

/** For a refusal that no page may read: the origin that a guard further out has allowed is not set. */
export function keepOriginOut(response: object): void {
  const kept = (response as KeepingResponse)[keptOf]
  if (kept !== undefined) kept.headers = kept.headers.map(({ [allowOrigin]: _, ...headers }) => headers)
}

const keptOf = /* @__PURE__ */ Symbol.for(`writekey.keptHeaders.${sharedLayout}`)

type KeepingResponse = ServerResponse & {
  [keptOf]?: { headers: Readonly<Record<string, string>>[]; writeHead: WriteHead }
}

/** The same function for all responses, see `computedProperty`. */
function writeHeadWithOurs(this: KeepingResponse, status: number, ...rest: unknown[]): ServerResponse {
  const { headers, writeHead } = this[keptOf] as NonNullable<KeepingResponse[typeof keptOf]>
  // Headers that are handed in are set over those of the response: ours have to be merged with them as well.
  const given = this.headersSent ? undefined : fieldsOf(rest.at(-1))
  if (!this.headersSent) {
    for (const [name, value] of given ?? []) this.setHeader(name, value)
    for (const ours of headers.toReversed()) restore(this, ours)
  }
  return writeHead.call(this, status, ...(given !== undefined ? rest.slice(0, -1) : rest))
}

type Field = [name: string, value: string | string[]]

/**
 * What `writeHead` takes: a record, a flat list of names and values, or a list of pairs. A name that a list has twice keeps all its
 * values. Undefined for anything else, which is Node's to refuse.
 */
function fieldsOf(given: unknown): Field[] | undefined {
  if (typeof given !== 'object' || given === null) return undefined
  if (!Array.isArray(given)) {
    return Object.entries(given).filter((field): field is Field => field[1] !== undefined)
  }
  const pairs = Array.isArray(given[0]) ? given : inPairs(given)
  if (!pairs.every((pair) => Array.isArray(pair) && pair.length === 2 && typeof pair[0] === 'string'))
    return undefined
  const fields = new Map<string, [name: string, values: string[]]>()
  for (const [name, value] of pairs as Field[]) {
    const key = name.toLowerCase()
    fields.set(key, [name, [...(fields.get(key)?.[1] ?? []), value].flat()])
  }
  return [...fields.values()].map(([name, values]) => [name, values.length === 1 ? `${values[0]}` : values])
}

function inPairs(list: readonly unknown[]): unknown[][] {
  return Array.from({ length: Math.ceil(list.length / 2) }, (_, index) =>
    list.slice(2 * index, 2 * index + 2),
  )
}

function restore(response: ServerResponse, headers: Readonly<Record<string, string>>): void {
  const current = response.getHeaders()
  for (const name in headers) {
    const value = headers[name] as string
    if (name === allowOrigin && current[name] === undefined && current[allowCredentials] === undefined) {
      response.setHeader(name, value)
      continue
    }
    if (current[name] === value && name !== allowOrigin) continue
    const isMerged = name === 'vary' || name.startsWith('access-control-')
    if (isMerged || current[name] === undefined) mergeHeader(response, name, value)
  }
}

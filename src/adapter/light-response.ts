import { isPlainObject } from '../http/plain-object.ts'

/** A response that is no more than its parts yet. */
export interface LightResponse {
  readonly status: number
  readonly body: string | Uint8Array<ArrayBuffer> | null
  /** A copy, with names in lower case. */
  readonly fields: Record<string, string>
}

/**
 * The parts of a response as `@hono/node-server` makes it: a list of status, body and headers as they were given. Only when
 * somebody asks such a response for more does it make a `Headers` and a `Response`, which take longer than everything else in an answer.
 *
 * @returns undefined for every other response, and for fields that `Headers` would join, change or refuse
 */
export function partsOf(response: Response): LightResponse | undefined {
  const [status, body, headers] = listOf(response) ?? []
  if (typeof status !== 'number' || !isWhole(body)) return undefined
  const fields = toFields(headers)
  // Otherwise the server adds a type of its own.
  if (fields === undefined || (body !== null && fields['content-type'] === undefined)) return undefined
  return { status, body, fields }
}

/**
 * A copy, with headers that can be changed, of a response that is still such a list. Version 1 of `@hono/node-server` forgets what is changed
 * in the list itself as soon as another response is made of it, as Hono does for HEAD.
 *
 * @returns undefined for every other response
 */
export function copyOfList(response: Response): Response | undefined {
  const list = listOf(response)
  if (list === undefined) return undefined
  const [, body] = list as readonly [unknown, ConstructorParameters<typeof Response>[0], unknown]
  return new Response(body, { status: response.status, headers: new Headers(response.headers) })
}

function listOf(response: Response): readonly unknown[] | undefined {
  const keys = Reflect.ownKeys(response)
  // Whatever else it has would be lost.
  if (keys.length !== 1 || typeof keys[0] !== 'symbol') return undefined
  const list: unknown = Reflect.get(response, keys[0])
  return Array.isArray(list) && list.length === 3 ? list : undefined
}

function isWhole(body: unknown): body is LightResponse['body'] {
  return body === null || typeof body === 'string' || body instanceof Uint8Array
}

function toFields(headers: unknown): Record<string, string> | undefined {
  const fields: Record<string, string> = {}
  if (headers === undefined) return fields
  if (!isPlainObject(headers)) return undefined
  for (const given in headers) {
    const name = given.toLowerCase()
    const value = headers[given]
    if (typeof value !== 'string' || !plainValue.test(value) || !plainName.test(name)) return undefined
    if (fields[name] !== undefined) return undefined
    fields[name] = value
  }
  return fields
}

const plainName = /^[a-z][a-z0-9-]*$/
const plainValue = /^[!-~]+(?: +[!-~]+)*$/

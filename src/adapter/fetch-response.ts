import { describeValue } from '../runtime/config-error.ts'
import { type HeaderTarget, mergeHeader } from './cors-merge.ts'
import { copyOfList, partsOf } from './light-response.ts'
import { withoutOthersRate } from './own-rate.ts'

/** A `Headers` in the form that header merging needs. */
function toHeaderTarget(headers: Headers): HeaderTarget {
  return {
    getHeader: (name) => headers.get(name) ?? undefined,
    setHeader: (name, value) => headers.set(name, value),
    removeHeader: (name) => headers.delete(name),
  }
}

/** The same for fields by their lower-case names. */
function toFieldTarget(fields: Record<string, string>): HeaderTarget {
  return {
    getHeader: (name) => fields[name],
    setHeader(name, value) {
      fields[name] = value
    },
    removeHeader(name) {
      if (fields[name] !== undefined) delete fields[name]
    },
  }
}

/** Sets the headers of an accepted request beside what the handler has set. */
function mergeAccepted(target: HeaderTarget, headers: Readonly<Record<string, string>>): void {
  const shown = withoutOthersRate(target, headers)
  for (const name in shown) mergeHeader(target, name, shown[name] as string)
}

/**
 * The response with headers of an accepted request merged in; a new one where they cannot be changed.
 * @throws TypeError for what is no response, which would become an empty one
 */
export function withAcceptedHeaders(response: Response, headers: Readonly<Record<string, string>>): Response {
  assertResponse(response)
  // A WebSocket handshake.
  if (response.status === 101) return response
  const light = partsOf(response)
  if (light !== undefined) {
    const { status, body, fields } = light
    mergeAccepted(toFieldTarget(fields), headers)
    return new Response(body, { status, headers: fields })
  }
  const changed = copyOfList(response) ?? (isChangeable(response) ? response : toChangeable(response))
  const target = toHeaderTarget(changed.headers)
  mergeAccepted(target, headers)
  return changed
}

/** Some frameworks, such as h3 and Elysia, make a response of whatever a handler returns. */
function assertResponse(given: unknown): void {
  if (given instanceof Response) return
  // A response of another realm or library.
  const { status, headers } = (given ?? {}) as Partial<Response>
  if (typeof status === 'number' && typeof headers?.get === 'function') return
  throw new TypeError(
    `A handler behind writeKeyAuth must return a Response, such as Response.json({ success: true }); it returned ${describeValue(given)}.`,
  )
}

/** The copy, too, would have the same headers with version 1 of `@hono/node-server`. */
function toChangeable(response: Response): Response {
  const copy = new Response(response.body, response)
  if (isChangeable(copy)) return copy
  const { status, statusText, headers } = response
  return new Response(response.body, { status, statusText, headers: new Headers(headers) })
}

/** Headers of responses from `fetch`, `Response.redirect` and `Response.error` cannot be changed. */
function isChangeable({ headers }: Response): boolean {
  try {
    headers.delete('x-writekey-probe')
    return true
  } catch {
    return false
  }
}

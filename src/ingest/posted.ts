import type { IngestRequest, Reply } from '../http/ingest-request.ts'
import { combine } from '../runtime/combine.ts'
import type { CarriedKey } from '../verifier/carried-key.ts'
import type { IngestRoute } from './routes.ts'

/** A GET that has its events in the query, as the POST that it stands for; any other request as it is. */
export function asPosted({ sender }: Pick<IngestRoute, 'sender'>, request: IngestRequest): IngestRequest {
  const name = sender?.dataIn
  const { method, headers, query } = request
  if (name === undefined || method !== 'GET') return request
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
  if (hasBody) return request
  const data = toParameters(query).getAll(name)
  // No data, or data twice: an invalid body.
  const body = data.length === 1 ? `data=${encodeURIComponent(data[0] as string)}` : ''
  return { ...request, method: 'POST', body, query: '' }
}

function toParameters(query: IngestRequest['query']): URLSearchParams {
  if (query instanceof URLSearchParams) return query
  if (typeof query === 'string' || query === undefined) return new URLSearchParams(query)
  const entries = Object.entries(query).flatMap(([name, value]) =>
    (typeof value === 'object' ? [...value] : [value ?? '']).map((one): [string, string] => [name, one]),
  )
  return new URLSearchParams(entries)
}

/**
 * The answer to events in a query. It must not be cached, and no log behind us may show the query, because
 * the key is in it.
 */
export function withoutData<Answer extends { readonly reply: Reply }>(
  answer: Answer,
  { sender }: Pick<IngestRoute, 'sender'>,
): Answer & { carried: CarriedKey } {
  const { reply } = answer
  const headers = combine(reply.headers, { 'cache-control': 'no-store' })
  return { ...answer, reply: { ...reply, headers }, carried: carriedInQuery(sender?.dataIn ?? '') }
}

/** Hides from logs a parameter that holds events, and with them the key. */
function carriedInQuery(name: string): CarriedKey {
  return {
    headers: [],
    inUrl: true,
    hideInUrl(url) {
      const [path = '', ...rest] = url.split('?')
      const kept = rest
        .join('?')
        .split('&')
        .filter((parameter) => !new URLSearchParams(parameter).has(name))
      return kept.length === 0 || kept[0] === '' ? path : `${path}?${kept.join('&')}`
    },
    hideParameter: (value) => value,
    isInQuery: (parameter) => parameter === name,
  }
}

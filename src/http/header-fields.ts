import type { FieldValues, HeadersLike, IngestRequest, IngestRequestInit } from './ingest-request.ts'

/** The fields of most requests: finding a name here takes a quarter of the time of checking its letters. */
const namesInLowerCase = new Set(
  (
    'accept accept-encoding accept-language authorization cache-control connection content-encoding content-length content-type ' +
    'cookie dnt host origin pragma priority referer sec-ch-ua sec-ch-ua-mobile sec-ch-ua-platform sec-fetch-dest sec-fetch-mode ' +
    'sec-fetch-site traceparent tracestate transfer-encoding user-agent via x-amzn-trace-id x-forwarded-for x-forwarded-host ' +
    'x-forwarded-port x-forwarded-proto x-real-ip x-request-id x-write-key'
  ).split(' '),
)

/**
 * A request with lower-case names of header fields, and without a query that is `null`, as `url.parse` of Node has it where there is none.
 */
export function asIngestRequest(request: IngestRequestInit): IngestRequest {
  const { query } = request
  const headers = toLowerCaseFields(request.headers)
  if (headers === request.headers && query !== null) return request as IngestRequest
  return { ...request, headers, query: query ?? undefined }
}

/**
 * Header fields by lower-case name. A name in several spellings gets all of its values, in order, as if the
 * field had been repeated. Headers that are already in lower case, such as Node's, are returned as they are.
 */
export function toLowerCaseFields(headers: FieldValues | HeadersLike): FieldValues {
  if (typeof (headers as Partial<HeadersLike>).forEach === 'function')
    return fromHeaders(headers as HeadersLike)
  for (const name in headers)
    if (!namesInLowerCase.has(name) && hasCapital(name)) return lowerNames(headers as FieldValues)
  return headers as FieldValues
}

function hasCapital(name: string): boolean {
  for (let index = 0; index < name.length; index++) {
    const code = name.charCodeAt(index)
    if (code >= 0x41 && code <= 0x5a) return true
  }
  return false
}

function fromHeaders(headers: HeadersLike): FieldValues {
  const fields: Record<string, string> = {}
  headers.forEach((value, name) => {
    fields[name.toLowerCase()] = value
  })
  return fields
}

function lowerNames(headers: FieldValues): FieldValues {
  const fields: Record<string, string | readonly string[]> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue
    const lower = name.toLowerCase()
    const earlier = Object.hasOwn(fields, lower) ? fields[lower] : undefined
    fields[lower] = earlier === undefined ? value : [earlier, value].flat()
  }
  return fields
}

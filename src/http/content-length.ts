import type { FieldValues } from './ingest-request.ts'

/** What `Content-Length` says, in bytes; undefined unless it is there once and a whole number. */
export function contentLengthOf(headers: FieldValues): number | undefined {
  const value = headers['content-length']
  return typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : undefined
}

import type { FieldValues } from './ingest-request.ts'

/** `Content-Length` in bytes; undefined unless the header is there once and is a whole number. */
export function contentLengthOf(headers: FieldValues): number | undefined {
  const value = headers['content-length']
  if (typeof value !== 'string' || value.length === 0 || value.length > 15) return undefined
  let length = 0
  for (let index = 0; index < value.length; index++) {
    const digit = value.charCodeAt(index) - 0x30
    if (digit < 0 || digit > 9) return undefined
    length = length * 10 + digit
  }
  return length
}

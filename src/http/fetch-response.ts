import type { Reply } from './ingest-request.ts'

/** A reply as a web-standard `Response`. What becomes of the connection is for the server to say. */
export function toResponse({ status, headers, body }: Reply): Response {
  const { connection: _, ...rest } = headers
  return new Response(body === '' ? null : body, { status, headers: rest })
}

import type { Reply } from './ingest-request.ts'

/** A reply as a web-standard `Response`. The server decides what happens to the connection. */
export function toResponse({ status, headers, body }: Reply): Response {
  const { connection: _, ...rest } = headers
  return new Response(body === '' ? null : body, { status, headers: rest })
}

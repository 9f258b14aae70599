import { isTooLarge } from '../http/fetch-request.ts'
import { parseJsonBody } from '../http/json-body.ts'
import { AdminProblem } from './problem.ts'

/** Longest body of a management call, in bytes: the longest lists that a key can have, with room to spare. */
const maxRequestBytes = 65_536

/**
 * The parsed body of a call, or undefined when there is none.
 * @throws AdminProblem `unsupported_media_type`, `payload_too_large` or `invalid_json`
 */
export async function readJsonBody(request: Request, maxBytes = maxRequestBytes): Promise<unknown> {
  const type = request.headers.get('content-type')
  const isJson = type !== null && /^application\/json *(;|$)/i.test(type)
  if (type !== null && !isJson) throw new AdminProblem('unsupported_media_type')
  if (!/^(identity)?$/i.test(request.headers.get('content-encoding') ?? ''))
    throw new AdminProblem('unsupported_media_type')
  if (Number(request.headers.get('content-length')) > maxBytes) throw tooLarge(maxBytes)
  const bytes = await readAll(request.body, maxBytes)
  if (bytes.length === 0) return undefined
  // A form or a page's beacon can send any of the other types without a preflight.
  if (!isJson) throw new AdminProblem('unsupported_media_type')
  const parsed = parseJsonBody(bytes)
  if (parsed === undefined) throw new AdminProblem('invalid_json')
  return parsed.value
}

function tooLarge(maxBytes: number): AdminProblem {
  return new AdminProblem('payload_too_large', {
    detail: `The body of this call may have at most ${maxBytes} bytes.`,
  })
}

async function readAll(body: Request['body'], maxBytes: number): Promise<Buffer> {
  if (body === null) return Buffer.alloc(0)
  const chunks: Uint8Array[] = []
  let length = 0
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      length += chunk.length
      if (length > maxBytes) throw tooLarge(maxBytes)
      chunks.push(chunk)
    }
  } catch (error) {
    throw isTooLarge(error) ? tooLarge(maxBytes) : error
  }
  return Buffer.concat(chunks, length)
}

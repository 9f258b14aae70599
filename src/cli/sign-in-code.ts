import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Authorize } from '../admin/index.ts'

/** Where the page exchanges a code for a token. */
const path = '/api/v1/events/sign-in'
const codeMs = 10 * 60_000
const maxBodyBytes = 1_024

/** Lets the person at the terminal into the page once, without a token to copy. */
export interface SignInCode {
  /** Good once, and for ten minutes. Stands behind the `#` of a link, which browsers send nowhere. */
  code: string
  /** Answers the exchange. @returns false when the request is not one. */
  handle(request: IncomingMessage, response: ServerResponse): boolean
  /** Knows the token that was given for the code, as long as the process runs. */
  authorize: Authorize
}

export function createSignInCode(now: () => number = Date.now): SignInCode {
  const code = randomBytes(24).toString('base64url')
  const token = randomBytes(32).toString('hex')
  const until = now() + codeMs
  let isSpent = false

  async function exchange(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const isRight = isSame(await readCode(request), code)
    if (!isRight || isSpent || now() >= until) return answer(response, 401, { error: 'invalid_code' })
    isSpent = true
    answer(response, 200, { token })
  }

  return {
    code,
    handle(request, response) {
      if (request.method !== 'POST' || request.url !== path) return false
      exchange(request, response).catch(() => response.destroy())
      return true
    },
    authorize(request) {
      const presented = /^Bearer +(\S+) *$/i.exec(request.headers.get('authorization') ?? '')?.[1] ?? ''
      return isSpent && isSame(presented, token) ? { name: 'terminal', role: 'admin' } : null
    },
  }
}

/** The body is the code itself. */
async function readCode(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) {
    text += String(chunk)
    if (text.length > maxBodyBytes) return ''
  }
  return text.trim()
}

function isSame(presented: string, expected: string): boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(hash(presented), hash(expected))
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(JSON.stringify(body))
}

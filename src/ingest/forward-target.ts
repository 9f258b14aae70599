import { inBackground } from '../runtime/timers.ts'

/** Sends requests to the one target of a forwarder. */
export interface ForwardTarget {
  /**
   * Sends a body to a path of the table of senders, and returns what the page may see of the answer. Rejects
   * when there is none.
   * @param keyHeader the header field that holds the key beside `Authorization`
   */
  send(
    path: string,
    headers: Headers,
    body: Uint8Array | string | null,
    keyHeader: string | undefined,
  ): Promise<TargetAnswer>
}

export interface TargetAnswer {
  readonly status: number
  readonly headers: Record<string, string>
  /** Empty when it was longer than a page needs to read. */
  readonly body: string
}

export interface ForwardTargetOptions {
  to: string
  key: string
  timeoutMs: number
}

const maxAnswerBytes = 65_536
/** Headers that senders use. The others are between the target and the server's key. */
const passedBack = ['retry-after', 'x-ratelimit-reset']
/** Whatever the target answers, no page can run or display it. */
const dataTypes = /^(?:application\/(?:problem\+)?json|text\/plain)\b/i

export function createForwardTarget({ to, key, timeoutMs }: ForwardTargetOptions): ForwardTarget {
  // The user name of Basic has no colon.
  const authorization = key.includes(':') ? undefined : `Basic ${btoa(`${key}:`)}`

  return {
    async send(path, headers, body, keyHeader) {
      if (authorization !== undefined) headers.set('authorization', authorization)
      if (keyHeader !== undefined) headers.set(keyHeader, key)
      const url = to + path.replace(':key', encodeURIComponent(key))
      const abort = new AbortController()
      const timer = inBackground(setTimeout(() => abort.abort(tooLate()), timeoutMs))
      try {
        const answer = await fetch(url, {
          method: 'POST',
          headers,
          body: body as Uint8Array<ArrayBuffer> | string | null,
          // A redirect would take the key along. Workers do not support 'error'.
          redirect: 'manual',
          signal: abort.signal,
        })
        if (answer.status < 200 || (answer.status >= 300 && answer.status < 400)) {
          await answer.body?.cancel()
          throw new Error(`The target answered with status ${answer.status}, which is no answer to events.`)
        }
        return await toTargetAnswer(answer)
      } finally {
        clearTimeout(timer)
      }
    },
  }
}

function tooLate(): Error {
  return new Error('The target took too long.')
}

async function toTargetAnswer(answer: Response): Promise<TargetAnswer> {
  const headers: Record<string, string> = {}
  for (const name of passedBack) {
    const value = answer.headers.get(name)
    if (value !== null) headers[name] = value
  }
  const type = answer.headers.get('content-type') ?? ''
  headers['content-type'] = dataTypes.test(type) ? type : 'text/plain'
  return { status: answer.status, headers, body: await readText(answer) }
}

/**
 * The target has taken or refused the events by now. A fault in the rest of the answer does not change that.
 */
async function readText({ body }: Response): Promise<string> {
  if (body === null) return ''
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let text = ''
  let length = 0
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return text + decoder.decode()
      length += value.length
      if (length > maxAnswerBytes) break
      text += decoder.decode(value, { stream: true })
    }
    await reader.cancel()
  } catch {
    // It took too long, or the connection broke.
  }
  return ''
}

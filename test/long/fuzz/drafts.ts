import type { GoldenRequest, SecretText } from '../../../src/testing/adapter/golden/golden-request.ts'
import { goldenRequests } from '../../../src/testing/adapter/golden/golden-requests.ts'
import type { Random } from './random.ts'

/** A request that is not written yet: what is changed is changed here, and bytes are made of it last. */
export interface Draft {
  method: string
  target: string
  version: string
  /** Lines as sent. */
  lines: string[]
  body: Buffer
  /** How the end of the body is told; `none`: there is no body; `own`: by lines that are there already. */
  framing: 'length' | 'chunked' | 'none' | 'own'
  /** Bytes that are not sent at the end. */
  cut: number
}

/** The bytes of a draft. `number` tells handlers which request it is. */
export function toBytes(draft: Draft, number: string): Buffer {
  const lines = [
    `${draft.method} ${draft.target} ${draft.version}`,
    `X-Request-Number: ${number}`,
    ...draft.lines,
  ]
  let body = draft.framing === 'none' ? Buffer.alloc(0) : draft.body
  if (draft.framing === 'length') lines.push(`Content-Length: ${body.length}`)
  if (draft.framing === 'chunked') {
    lines.push('Transfer-Encoding: chunked')
    const half = body.length >> 1
    const chunks = [body.subarray(0, half), body.subarray(half)].filter((chunk) => chunk.length > 0)
    body = Buffer.concat([
      ...chunks.flatMap((chunk) => [
        Buffer.from(`${chunk.length.toString(16)}\r\n`),
        chunk,
        Buffer.from('\r\n'),
      ]),
      Buffer.from('0\r\n\r\n'),
    ])
  }
  const bytes = Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), body])
  return draft.cut === 0 ? bytes : bytes.subarray(0, Math.max(1, bytes.length - draft.cut))
}

const small = goldenRequests.filter(({ body, headers = [] }) => {
  const length = typeof body === 'string' || body instanceof Uint8Array ? body.length : 0
  return typeof body !== 'function' && length < 5_000 && headers.length < 20
})
/** Bombs, limits and long batches: few, as each takes a thousand times as long. */
const large = goldenRequests.filter((request) => !small.includes(request))

/** A request of the golden table, with the secret of some key. */
export function fromGolden(random: Random, secret: string): Draft {
  const request = random.chance(0.0005) ? random.pick(large) : random.pick(small)
  return toDraft(request, secret)
}

function toDraft(request: GoldenRequest, secret: string): Draft {
  const fill = (text: SecretText) => (typeof text === 'string' ? text : text(secret))
  const { body = '{"type":"track","event":"Signed Up","userId":"u1"}' } = request
  const given = typeof body === 'function' ? body(secret) : body
  const contentType = request.contentType === undefined ? 'application/json' : request.contentType
  return {
    method: request.method ?? 'POST',
    target: fill(request.path ?? '/v1/track'),
    version: 'HTTP/1.1',
    lines: [
      'Host: localhost',
      ...(request.authorization ?? [(text: string) => `Basic ${base64(`${text}:`)}`]).map(
        (value) => `Authorization: ${fill(value)}`,
      ),
      ...(contentType === null ? [] : [`Content-Type: ${contentType}`]),
      ...(request.headers ?? []).map(fill),
    ],
    body: given === null ? Buffer.alloc(0) : Buffer.from(given as string),
    framing: given === null ? 'none' : request.chunked === true ? 'chunked' : 'length',
    cut: 0,
  }
}

export const base64 = (text: string) => Buffer.from(text, 'latin1').toString('base64')

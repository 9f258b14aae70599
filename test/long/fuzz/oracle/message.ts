import { METHODS } from 'node:http'

/** A request as RFC 9112 reads it. */
export interface Message {
  readonly method: string
  readonly target: string
  /** Names in lower case, values without blanks around them. */
  readonly fields: readonly (readonly [name: string, value: string])[]
  readonly hasTransferEncoding: boolean
  readonly declaredLength: number | undefined
  readonly body: Buffer
  /** A coding beside `chunked`, which servers may refuse or leave on the body. */
  readonly hasOtherCoding: boolean
  /** What RFC 3986 or 9112 forbid and servers may take. */
  readonly isLenient: boolean
  /** Bytes of the message; the rest belongs to the next one. */
  readonly length: number
}

export type Reading =
  | { readonly kind: 'message'; readonly message: Message }
  /** The end is missing, or no HTTP: of the head (no message) or of the body (what there is of it). */
  | { readonly kind: 'incomplete'; readonly message?: Message }
  /** No HTTP: whatever a server answers, no handler runs. */
  | { readonly kind: 'malformed' }

const malformed: Reading = { kind: 'malformed' }

// Node ends heads of more than 16 KiB, and does not count all that stands between names and values.
const largestSureHead = 16_000
const largestHead = 18_000
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

export function readMessage(bytes: Buffer): Reading {
  const headEnd = bytes.indexOf('\r\n\r\n')
  if (headEnd === -1) return { kind: 'incomplete' }
  if (headEnd > largestHead) return malformed
  const [requestLine = '', ...lines] = bytes.subarray(0, headEnd).toString('latin1').split('\r\n')
  const parts = /^(\S+) +(\S+) +HTTP\/(0\.9|1\.0|1\.1|2\.0)$/.exec(requestLine)
  if (parts === null) return malformed
  const [, method = '', target = '', version] = parts
  if (!METHODS.includes(method) || method === 'CONNECT') return malformed
  if (!/^(\/|\*|[A-Za-z]+:\/\/)/.test(target)) return malformed

  const fields: [string, string][] = []
  for (const line of lines) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon)
    const value = line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, '')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what no field value holds
    if (colon === -1 || !token.test(name) || /[\x00-\x08\x0a-\x1f\x7f]/.test(value)) return malformed
    fields.push([name.toLowerCase(), value])
  }
  const all = (name: string) => fields.filter((field) => field[0] === name).map(([, value]) => value)
  if (version === '1.1' && all('host').length !== 1) return malformed
  const expectations = all('expect')
  if (expectations.length > 0 && !/(^|\W)100-continue($|\W)/i.test(expectations.join())) return malformed

  const start = headEnd + 4
  const codings = all('transfer-encoding')
  const lengths = all('content-length')
  const isLenient =
    headEnd > largestSureHead ||
    /[^\x21-\x7e]|["<>^`{|}]/.test(target) ||
    requestLine.split(' ').length > 3 ||
    !version?.startsWith('1.') ||
    (version === '1.0' && codings.length > 0) ||
    expectations.some((value) => value.toLowerCase() !== '100-continue')
  const common = { method, target, fields, hasTransferEncoding: codings.length > 0, isLenient }
  if (codings.length > 0) {
    const list = codings
      .join()
      .split(',')
      .map((coding) => coding.trim().toLowerCase())
    if (lengths.length > 0) return malformed
    // Where such a body ends cannot be told; what needs none may be answered.
    if (list.at(-1) !== 'chunked') {
      const message = {
        ...common,
        declaredLength: undefined,
        body: Buffer.alloc(0),
        hasOtherCoding: true,
        length: -1,
      }
      return { kind: 'incomplete', message }
    }
    const chunked = readChunks(bytes, start)
    const message = { ...common, declaredLength: undefined, ...chunked, hasOtherCoding: list.length > 1 }
    return { kind: chunked.length === -1 ? 'incomplete' : 'message', message }
  }
  if (lengths.length > 1 || (lengths.length === 1 && !/^\d+$/.test(lengths[0] as string))) return malformed
  const declaredLength = lengths.length === 1 ? Number(lengths[0]) : undefined
  const length = start + (declaredLength ?? 0)
  const message = {
    ...common,
    declaredLength,
    body: bytes.subarray(start, length),
    hasOtherCoding: false,
    length,
  }
  return { kind: bytes.length < length ? 'incomplete' : 'message', message }
}

/** `length` is -1 when the last chunk is missing, or what is there is none. */
function readChunks(bytes: Buffer, start: number): { body: Buffer; length: number } {
  const chunks: Buffer[] = []
  const missing = () => ({ body: Buffer.concat(chunks), length: -1 })
  let at = start
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at)
    const line = bytes.subarray(at, lineEnd === -1 ? bytes.length : lineEnd).toString('latin1')
    if (!/^[0-9A-Fa-f]*($|[ \t]*;)/.test(line)) return missing()
    if (lineEnd === -1) return missing()
    if (!/^[0-9A-Fa-f]{1,8}/.test(line)) return missing()
    const size = Number.parseInt(line, 16)
    at = lineEnd + 2
    if (size === 0) break
    chunks.push(bytes.subarray(at, at + size))
    at += size
    if (at + 2 > bytes.length) return missing()
    if (bytes.toString('latin1', at, at + 2) !== '\r\n') return missing()
    at += 2
  }
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at)
    if (lineEnd === -1) return missing()
    if (lineEnd === at) return { body: Buffer.concat(chunks), length: at + 2 }
    const line = bytes.toString('latin1', at, lineEnd)
    if (!token.test(line.split(':')[0] as string) || !line.includes(':')) return missing()
    at = lineEnd + 2
  }
}

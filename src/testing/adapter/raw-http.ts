import { connect, type Socket } from 'node:net'

/** An answer as it came over the wire. */
export interface RawAnswer {
  status: number
  /**
   * Lower-case names; the values of a repeated field are joined by a line break, which no single value holds.
   */
  headers: Record<string, string>
  body: string
}

/** Opens a connection to the server of a URL. Errors on it appear in `readAnswer`. */
export async function openSocket(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => {})
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  return socket
}

/**
 * A request as bytes, exactly as given: no header is added, no character is escaped. Text is sent as latin1.
 */
export function toWire(
  startLine: string,
  headers: readonly string[],
  body: string | Uint8Array = '',
): Buffer {
  const head = Buffer.from(`${[startLine, ...headers].join('\r\n')}\r\n\r\n`, 'latin1')
  return Buffer.concat([head, typeof body === 'string' ? Buffer.from(body) : body])
}

/** Sends bytes on a connection of their own and reads one answer. */
export async function sendRaw(url: string, bytes: Uint8Array, method = 'POST'): Promise<RawAnswer> {
  const socket = await openSocket(url)
  try {
    socket.write(bytes)
    return await createAnswerReader(socket)(method)
  } finally {
    socket.destroy()
  }
}

const timeoutMs = 5_000

/**
 * Reads answers off a connection one after the other, as a pipelining client does. Interim answers are
 * skipped.
 */
export function createAnswerReader(socket: Socket): (method?: string) => Promise<RawAnswer> {
  let received = Buffer.alloc(0)
  let ended = false
  let wake = () => {}
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk])
    wake()
  })
  const end = () => {
    ended = true
    wake()
  }
  socket.on('end', end)
  socket.on('close', end)

  return async function readAnswer(method = 'POST') {
    const deadline = setTimeout(end, timeoutMs)
    try {
      for (;;) {
        const parsed = parseAnswer(received, method, ended)
        if (parsed !== undefined) {
          received = received.subarray(parsed.length)
          if (parsed.answer.status >= 200) return parsed.answer
          continue
        }
        if (ended) throw new Error(`no whole answer: ${JSON.stringify(received.toString('latin1'))}`)
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    } finally {
      clearTimeout(deadline)
    }
  }
}

function parseAnswer(
  bytes: Buffer,
  method: string,
  ended: boolean,
): { answer: RawAnswer; length: number } | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n')
  if (headEnd === -1) return undefined
  const [statusLine = '', ...lines] = bytes.subarray(0, headEnd).toString('latin1').split('\r\n')
  const status = Number(statusLine.split(' ')[1])
  const headers: Record<string, string> = {}
  for (const line of lines) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).toLowerCase()
    const value = line.slice(colon + 1).trim()
    headers[name] = headers[name] === undefined ? value : `${headers[name]}\n${value}`
  }
  const start = headEnd + 4
  const answer = (body: Buffer, end: number) => ({
    answer: { status, headers, body: body.toString() },
    length: end,
  })
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304)
    return answer(Buffer.alloc(0), start)
  if (headers['transfer-encoding'] !== undefined) {
    const chunked = parseChunks(bytes, start)
    return chunked && answer(chunked.body, chunked.end)
  }
  if (headers['content-length'] !== undefined) {
    const end = start + Number(headers['content-length'])
    return bytes.length < end ? undefined : answer(bytes.subarray(start, end), end)
  }
  return ended ? answer(bytes.subarray(start), bytes.length) : undefined
}

function parseChunks(bytes: Buffer, start: number): { body: Buffer; end: number } | undefined {
  const chunks: Buffer[] = []
  let at = start
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at)
    if (lineEnd === -1) return undefined
    const size = Number.parseInt(bytes.subarray(at, lineEnd).toString('latin1'), 16)
    const end = lineEnd + 2 + size
    if (bytes.length < end + 2) return undefined
    if (size === 0) return { body: Buffer.concat(chunks), end: end + 2 }
    chunks.push(bytes.subarray(lineEnd + 2, end))
    at = end + 2
  }
}

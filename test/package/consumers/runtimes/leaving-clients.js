// Clients that leave the server of leaving.js at every moment. Run by Node, whatever runs the server.
import { connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'

const kilobytes = (count) => 'x'.repeat(count * 1000)
const long = 5_000_000
const zipped = gzipSync(JSON.stringify(Array.from({ length: 20_000 }, Math.random))).subarray(0, 50_000)
const gzip = { 'content-encoding': 'gzip' }

/** `length`: what a client says that it will send, chunks by default. `body`: what it sends of it at once. */
const unfinished = [
  { secret: 'known', length: 1000 },
  { secret: 'known', length: 200_000, body: kilobytes(50) },
  { secret: 'known', body: kilobytes(50) },
  { secret: 'known', length: 200_000, headers: gzip, body: zipped },
  { secret: 'known', headers: gzip, body: zipped },
  { secret: 'known', length: long, body: kilobytes(1) },
  { secret: 'known', length: long, headers: { 'content-encoding': 'foo' }, body: kilobytes(1) },
  { secret: 'unknown', length: long },
  { secret: 'unknown', length: long, body: kilobytes(50) },
  { secret: 'unknown', length: 50_000, body: kilobytes(1) },
  { secret: 'unknown', body: kilobytes(50) },
  { secret: 'unknown', length: long, headers: { expect: '100-continue' } },
  { length: long, body: kilobytes(50) },
  { length: 200_000, body: kilobytes(50) },
]
const whole = (name) => {
  const body = JSON.stringify({ event: name })
  return [{ secret: 'known', length: body.length, body }]
}

/** When they leave, by what they wait for. `more`: what they send before they leave. */
export const moments = {
  'at once': { requests: unfinished, after: 'nothing' },
  'while the server reads': { requests: unfinished, after: 'nothing', waitMs: 30 },
  'with their answer': { requests: unfinished, after: 'answer' },
  'while they send on': { requests: unfinished, after: 'answer', more: kilobytes(100), waitMs: 30 },
  'after they have sent on for long': {
    requests: unfinished,
    after: 'answer',
    more: kilobytes(2000),
    waitMs: 30,
  },
  'after the server': { requests: unfinished, after: 'end' },
  'while their event is handled': { requests: whole('late'), after: 'handler' },
  'in the middle of an answer': { requests: whole('parts'), after: 'answer' },
  'after an answer': { requests: whole('whole'), after: 'answer' },
}
/** Some wait for what does not come: a server that waits for the rest of a body says nothing. It leaves after a second. */
const patienceMs = { answer: 300, end: 1200, handler: 5000 }

const headersOf = ({ secret, length, headers }, key) => ({
  ...(secret && { authorization: `Basic ${btoa(`${secret === 'known' ? key : 'sk_live_unknown'}:`)}` }),
  ...(length !== undefined && { 'content-length': length }),
  ...headers,
})

const chunk = (bytes) =>
  Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), Buffer.from(bytes), Buffer.from('\r\n')])

function ignore() {}

/** Never, when it does not come. */
const first = (emitter, name) => new Promise((resolve) => emitter.once(name, resolve))

function openHttp1(port, key, request) {
  const socket = connect(port, '127.0.0.1').on('error', ignore)
  const frame = (bytes) => (request.length === undefined ? chunk(bytes) : bytes)
  const headers = headersOf(request, key)
  if (request.length === undefined) headers['transfer-encoding'] = 'chunked'
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.write(`POST /v1/track HTTP/1.1\r\nhost: localhost\r\n${lines.join('')}\r\n`)
  return {
    socket,
    answered: first(socket, 'data'),
    send: (bytes) => socket.write(frame(bytes)),
    end() {},
    leave: () => socket.destroy(),
    reset: () => socket.resetAndDestroy(),
  }
}

function openHttp2(port, key, request) {
  const session = connectHttp2(`http://127.0.0.1:${port}`).on('error', ignore)
  const headers = { ':method': 'POST', ':path': '/v1/track', ...headersOf(request, key) }
  const stream = session.request(headers, { endStream: false })
  stream.on('error', ignore).resume()
  return {
    socket: stream,
    answered: first(stream, 'response'),
    send: (bytes) => stream.write(bytes),
    end: () => stream.end(),
    leave: () => session.destroy(),
    reset: () => stream.close(2, () => session.destroy()),
  }
}

async function leave(client, { after, more, waitMs = 0 }, { body, length }, nextHandled, isReset) {
  if (body !== undefined) client.send(body)
  if (body?.length === length) client.end()
  const waits = {
    nothing() {},
    answer: () => client.answered,
    end: () => first(client.socket, 'close'),
    handler: nextHandled,
  }
  await Promise.race([waits[after](), sleep(patienceMs[after])])
  if (more !== undefined) client.send(more)
  await sleep(waitMs)
  client[isReset ? 'reset' : 'leave']()
  if (!client.socket.closed) await first(client.socket, 'close')
}

/** @returns what the next client gets */
export async function leaveAll({ port, key, isHttp2, nextHandled }, moment) {
  const open = isHttp2 ? openHttp2 : openHttp1
  const leaveBy = (isReset) => (request) =>
    leave(open(port, key, request), moment, request, nextHandled, isReset)
  await Promise.all([false, true].flatMap((isReset) => moment.requests.map(leaveBy(isReset))))
  const [request] = whole('next')
  const next = open(port, key, request)
  next.send(request.body)
  next.end()
  const head = await next.answered
  next.leave()
  return isHttp2 ? head[':status'] : Number(head.toString('latin1').split(' ')[1])
}

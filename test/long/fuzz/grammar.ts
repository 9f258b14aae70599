import zlib from 'node:zlib'
import { base64, type Draft } from './drafts.ts'
import { someLine } from './header-lines.ts'
import type { Random } from './random.ts'

const methods = [
  'POST',
  'POST',
  'POST',
  'POST',
  'POST',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'GET',
  'HEAD',
  'OPTIONS',
]
const segments = [
  ...['track', 'identify', 'page', 'screen', 'group', 'alias', 'batch', 't', 'i', 'p', 's', 'g', 'a', 'b'],
  ...[
    'order',
    'events',
    'e',
    'users',
    '',
    '%74rack',
    'TRACK',
    'Page',
    'tracks',
    'track.json',
    '%2574rack',
    '..',
    '.',
  ],
  ...[
    '%2e',
    'track%20',
    'trac%E2%84%AA',
    '%C5%BFcreen',
    'x;y',
    'a%2fb',
    'caf%C3%A9',
    '%ff',
    '~',
    'a:b',
    'a,b=c',
  ],
]
const queries = [
  '',
  '',
  '',
  '',
  '',
  '?',
  '?x=1',
  '?x=/page',
  '?a;b\\c/../d%2f',
  '?type=page&x',
  '?writeKey',
  '?x#y',
  '?%zz',
]
const words = [
  'u1',
  'Signed Up',
  'Signed Out',
  'Home',
  'billing/paid',
  'x',
  '',
  'Größe 🌍',
  '\u0000',
  '__proto__',
]
const types = [
  'track',
  'identify',
  'page',
  'screen',
  'group',
  'alias',
  'order',
  'batch',
  'Track',
  't',
  '',
  'constructor',
]
const fieldNames = [
  'type',
  'event',
  'name',
  'userId',
  'properties',
  'batch',
  'events',
  'writeKey',
  'api_key',
  'context',
]

/** A value for JSON; mostly small, sometimes odd. */
export function someValue(random: Random, depth = 0): unknown {
  const kind = random.below(depth > 3 ? 7 : 10)
  if (kind < 3) return random.pick(words)
  if (kind < 4) return random.pick(types)
  if (kind < 5) return random.pick([0, -0, 1, 1.5, 1e300, -7, 2 ** 53])
  if (kind < 6) return random.pick([true, false])
  if (kind < 7) return null
  if (kind < 8) return Array.from({ length: random.below(3) }, () => someValue(random, depth + 1))
  return someObject(random, depth + 1)
}

function someObject(random: Random, depth: number): unknown {
  const entries = Array.from({ length: random.below(4) }, () => [
    random.pick(fieldNames),
    someValue(random, depth + 1),
  ])
  return Object.fromEntries(entries)
}

function someEvent(random: Random): unknown {
  if (random.chance(0.05)) return someValue(random)
  const event: Record<string, unknown> = { userId: 'u1' }
  if (random.chance(0.7)) event.type = random.pick(random.chance(0.8) ? types.slice(0, 7) : types)
  if (random.chance(0.5)) event.event = random.pick(words)
  if (random.chance(0.3)) event.name = random.pick(words)
  if (random.chance(0.05)) event[random.pick(fieldNames)] = someValue(random)
  return event
}

function someRoot(random: Random, secret: string): unknown {
  const kind = random.below(20)
  const events = () => Array.from({ length: random.below(5) }, () => someEvent(random))
  const beside = random.chance(0.2)
    ? { [random.pick(fieldNames)]: random.pick([secret, ...words, ...types]) }
    : {}
  if (kind < 9) return { ...(someEvent(random) as object), ...beside }
  if (kind < 13) return { batch: events(), ...beside }
  if (kind < 15) return { [random.pick(['events', 'data', 'batch'])]: events(), sentAt: 'x', ...beside }
  if (kind < 18) return events()
  return someValue(random)
}

export function someBody(random: Random, secret: string): Buffer {
  return Buffer.from(JSON.stringify(someRoot(random, secret)) ?? '')
}

export function compressed(random: Random, body: Buffer): { coding: string; body: Buffer } {
  return random.pick([
    () => ({ coding: 'gzip', body: zlib.gzipSync(body, { level: 1 }) }),
    () => ({ coding: 'deflate', body: zlib.deflateSync(body, { level: 1 }) }),
    () => ({ coding: 'deflate', body: zlib.deflateRawSync(body, { level: 1 }) }),
    () => ({
      coding: 'br',
      body: zlib.brotliCompressSync(body, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 1 } }),
    }),
    () => ({
      coding: 'x-gzip',
      body: Buffer.concat([zlib.gzipSync(body.subarray(0, 9)), zlib.gzipSync(body.subarray(9))]),
    }),
  ])()
}

export function someTarget(random: Random, secret: string): string {
  const host = random.chance(0.05)
    ? random.pick(['http://x', 'https://x:80', 'HTTP://x', 'ftp://x', 'http://a@x', 'http://'])
    : ''
  const prefix = random.pick([
    '/v1',
    '/v1',
    '/v1',
    '/v1',
    '/v1',
    '/V1',
    '//v1',
    '/%76%31',
    '',
    '/x',
    '/x/../v1',
  ])
  const path = Array.from({ length: random.below(3) }, () =>
    random.pick(random.chance(0.7) ? segments.slice(0, 14) : segments),
  )
  if (random.chance(0.05)) path.push('e', secret)
  const query = random.chance(0.1)
    ? `?${random.pick(['writeKey', 'writekey', 'token', 'x'])}=${secret}`
    : random.pick(queries)
  return `${host}${prefix}/${path.join('/')}${random.chance(0.1) ? '/' : ''}${query}`
}

/** A request that follows the grammar of senders, with a key in one place or another. */
export function fromGrammar(random: Random, secret: string): Draft {
  const method = random.pick(methods)
  const hasBody = method === 'GET' || method === 'HEAD' ? random.chance(0.1) : random.chance(0.97)
  const body = hasBody ? someBody(random, secret) : Buffer.alloc(0)
  const lines = ['Host: localhost', 'Content-Type: application/json']
  if (random.chance(0.75))
    lines.push(`Authorization: ${random.chance(0.8) ? `Basic ${base64(`${secret}:`)}` : `Bearer ${secret}`}`)
  while (random.chance(0.3)) lines.push(someLine(random, secret))
  return {
    method,
    target: someTarget(random, secret),
    version: 'HTTP/1.1',
    lines,
    body,
    framing: hasBody ? (random.chance(0.2) ? 'chunked' : 'length') : 'none',
    cut: 0,
  }
}

import { base64 } from './drafts.ts'
import type { Random } from './random.ts'

const origins = [
  ...[
    'https://app.example.com',
    'https://app.example.com',
    'https://a.shop.example',
    'https://a.b.shop.example',
  ],
  ...[
    'https://shop.example',
    'https://evil.example',
    'null',
    'http://localhost:3000',
    'http://localhost:80',
    'app://.',
  ],
  ...[
    'https://APP.example.com',
    'https://app.example.com/',
    'https://app.example.com:443',
    'http://localhost:08080',
  ],
  ...[
    'https://evilshop.example',
    'https://.shop.example',
    'https://a..shop.example',
    'https://a.shop.example:8443',
    '',
  ],
]

/** Header lines that change answers, or must not. */
export function someLine(random: Random, secret: string): string {
  const kinds: (() => string)[] = [
    () => `Origin: ${random.pick(origins)}`,
    () => `Sec-Fetch-Site: ${random.pick(['cross-site', 'same-origin', 'same-site', 'none', 'x', ''])}`,
    () =>
      `Referer: ${random.pick(['https://app.example.com/a?b', 'https://evil.example/', 'https://a.shop.example/', 'about:client', '', 'HTTPS://App.example.com/', 'https://app.example.com@evil.example/', 'https://x@app.example.com/', 'http://localhost:3000/'])}`,
    () =>
      `Content-Encoding: ${random.pick(['gzip', 'GZIP', 'deflate', 'br', 'identity', 'zstd', 'compress', '', ',', 'x-gzip', 'gzip, br', '*'])}`,
    () =>
      `X-Forwarded-For: ${random.pick(['203.0.113.9', '10.0.0.1', '10.0.0.1, 203.0.113.7', '203.0.113.7, 192.0.2.1', '2001:db8::9', '::ffff:203.0.113.9', 'unknown', '', '203.0.113.9:80', '203.0.113.9,', '127.0.0.1'])}`,
    () =>
      `Content-Type: ${random.pick(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/json', ''])}`,
    () => `X-Write-Key: ${random.pick([secret, secret, 'junk', ''])}`,
    () => `X-Api-Key: ${random.pick([secret, secret, 'junk', ''])}`,
    () =>
      `Authorization: ${random.pick([`Basic ${base64(`${secret}:`)}`, `Bearer ${secret}`, 'Digest x', `basic ${base64(`${secret}:`)}`, 'Basic junk', ''])}`,
    () => `Cookie: writeKey=${secret}`,
    () =>
      random.pick([
        'Expect: 100-continue',
        'Connection: keep-alive',
        'Upgrade: h2c',
        'Connection: Upgrade',
        'TE: trailers',
        'Trailer: X-A',
      ]),
    () =>
      random.pick([
        'X-HTTP-Method-Override: GET',
        'Access-Control-Request-Method: POST',
        'Access-Control-Request-Headers: x-a, x b',
        'If-None-Match: *',
        'Range: bytes=0-1',
      ]),
    () =>
      random.pick([
        'X-Forwarded-Host: x',
        'X-Forwarded-Proto: https',
        'Forwarded: for=10.0.0.1',
        'X-Original-URL: /v1/page',
        'X-Rewrite-URL: /v1/page',
        '__proto__: x',
        'constructor: x',
      ]),
  ]
  return random.pick(kinds)()
}

import {
  customChallenge,
  limited,
  passes,
  preflights,
  rateHeaders,
  refuses,
  signedUp,
  unauthorized,
  unsupported,
} from './answers.ts'
import type { GoldenRequest } from './golden-request.ts'

const app = 'https://app.example.com'
const key = { allowedOrigins: [app, 'https://*.shop.example'] }
const fromApp = { 'access-control-allow-origin': app }
const unreadable = { 'access-control-allow-origin': null }

const preflight = (
  name: string,
  headers: readonly string[],
  allowedHeaders?: string,
  path = '/v1/track',
) => ({
  name,
  method: 'OPTIONS',
  path,
  authorization: [],
  contentType: null,
  body: null,
  headers: [`Origin: ${app}`, 'Access-Control-Request-Method: POST', ...headers],
  ...preflights(allowedHeaders),
})

/** Spellings of an allowed origin, or names near it, that no browser sends for it. */
const foreignOrigins = [
  'https://evil.example',
  'https://APP.example.com',
  'https://app.example.com/',
  'https://app.example.com:443',
  'http://app.example.com',
  'https://app.example.com.',
  'https://app.example.com.evil.example',
  'https://app.example.com:8443',
  'https://app.example.com@evil.example',
  'https://evilshop.example',
  'https://shop.example',
  'https://.shop.example',
  'https://*.shop.example',
  'https://a.shop.example.evil.example',
  'https://app.example.com, https://app.example.com',
  'null',
  'file://',
  'https://app%2eexample.com',
  'https://app.example.com\xe9',
]

export const originRequests: readonly GoldenRequest[] = [
  preflight('a preflight passes without a key', []),
  preflight(
    'a preflight has the headers it asks for allowed',
    ['Access-Control-Request-Headers: authorization,content-type,x-client'],
    'authorization, content-type, x-client',
  ),
  preflight(
    'a preflight may ask in upper case, with spaces and empty elements',
    ['Access-Control-Request-Headers: ,X-Client , , Authorization,'],
    'authorization, content-type, x-client',
  ),
  preflight(
    'a preflight that asks for what is no header name gets the others',
    ['Access-Control-Request-Headers: x-good,x bad,x(bad),x-gut'],
    'authorization, content-type, x-good, x-gut',
  ),
  preflight('a preflight with a bomb of commas gets the usual headers', [
    `Access-Control-Request-Headers: ${','.repeat(10_000)}`,
  ]),
  preflight('a preflight with a thousand names gets the usual headers', [
    `Access-Control-Request-Headers: ${Array.from({ length: 1_000 }, (_, index) => `x-${index}`).join()}`,
  ]),
  preflight(
    'a preflight may spread its names over lines',
    ['Access-Control-Request-Headers: x-a', 'Access-Control-Request-Headers: x-b'],
    'authorization, content-type, x-a, x-b',
  ),
  preflight('a preflight for a private network is not allowed it', [
    'Access-Control-Request-Private-Network: true',
  ]),
  preflight('a preflight passes on /v1/batch', [], undefined, '/v1/batch'),
  preflight('a preflight passes on a path with a slash at its end', [], undefined, '/v1/identify/'),
  preflight('a preflight passes on a short path', [], undefined, '/v1/t'),
  {
    ...preflight('a preflight for GET is told POST', []),
    headers: [`Origin: ${app}`, 'Access-Control-Request-Method: GET'],
  },
  {
    ...preflight('a preflight from an unknown origin looks the same', []),
    headers: ['Origin: https://evil.example', 'Access-Control-Request-Method: POST'],
  },
  {
    ...preflight('a preflight from the null origin looks the same', []),
    headers: ['Origin: null', 'Access-Control-Request-Method: POST'],
  },
  {
    ...preflight('a preflight with a bad key looks the same', []),
    authorization: ['Basic junk'],
  },
  {
    ...preflight('a preflight with a body looks the same', []),
    body: '{}',
  },
  {
    name: 'OPTIONS without Access-Control-Request-Method is no preflight and needs a key',
    method: 'OPTIONS',
    authorization: [],
    contentType: null,
    body: null,
    headers: [`Origin: ${app}`],
    ...unauthorized(customChallenge),
  },
  {
    name: 'OPTIONS without an Origin is no preflight and needs a key',
    method: 'OPTIONS',
    authorization: [],
    contentType: null,
    body: null,
    headers: ['Access-Control-Request-Method: POST'],
    ...unauthorized(),
  },

  {
    name: 'a key without origin rules answers any origin with *',
    headers: ['Origin: https://evil.example'],
    ...passes(),
  },
  {
    name: 'a key without origin rules answers the null origin with *',
    headers: ['Origin: null'],
    ...passes(),
  },
  {
    name: 'a listed origin is named in the answer',
    key,
    headers: [`Origin: ${app}`],
    ...passes([signedUp], fromApp),
  },
  {
    name: 'a wildcard covers a subdomain',
    key,
    headers: ['Origin: https://a.shop.example'],
    ...passes([signedUp], { 'access-control-allow-origin': 'https://a.shop.example' }),
  },
  {
    name: 'a wildcard covers a subdomain of a subdomain',
    key,
    headers: ['Origin: https://a.b.shop.example'],
    ...passes([signedUp], { 'access-control-allow-origin': 'https://a.b.shop.example' }),
  },
  { name: 'a request without an Origin bypasses origin rules', key, ...passes([signedUp], unreadable) },
  {
    name: 'a request without an Origin passes even when no browser may',
    key: { allowedOrigins: [] },
    ...passes([signedUp], unreadable),
  },
  ...[
    ['cross-site', `${app}/cart?x=1`],
    ['same-origin', `${app}/`],
    ['same-site', 'https://a.shop.example/x'],
  ].map(([site, referer]) => ({
    name: `a ${site} request without an Origin passes by its Referer ${referer}`,
    key,
    headers: [`Sec-Fetch-Site: ${site}`, `Referer: ${referer}`],
    ...passes([signedUp], { 'access-control-allow-origin': new URL(referer as string).origin }),
  })),
  ...[
    'Referer: https://evil.example/',
    'Referer: https://evil.example/https://app.example.com/',
    'Referer: https://app.example.com.evil.example/',
    'Referer: https://app.example.com@evil.example/',
    'Referer: about:client',
    'Referer: app.example.com',
    'Referer: ',
    'X-Referer: https://app.example.com/',
  ].map((line) => ({
    name: `a browser's request without an Origin is refused by ${line}`,
    key,
    headers: ['Sec-Fetch-Site: cross-site', line],
    ...refuses('origin_not_allowed', { headers: unreadable }),
  })),
  ...['GET', 'HEAD'].map((method) => ({
    name: `a ${method} of a foreign page is refused although it has no Origin`,
    method,
    key,
    contentType: null,
    body: null,
    headers: ['Sec-Fetch-Site: cross-site', 'Referer: https://evil.example/'],
    ...refuses('origin_not_allowed', { headers: unreadable }),
  })),
  {
    name: 'a browser whose page cannot be told is refused by an empty origin list',
    key: { allowedOrigins: [] },
    headers: ['Sec-Fetch-Site: same-origin'],
    ...refuses('origin_not_allowed', { headers: unreadable }),
  },
  {
    name: 'a browser whose page cannot be told passes a key without origin rules',
    headers: ['Sec-Fetch-Site: cross-site'],
    ...passes(),
  },
  {
    name: 'a request that a person typed into a browser is no page and bypasses origin rules',
    key,
    headers: ['Sec-Fetch-Site: none', 'Referer: https://evil.example/'],
    ...passes([signedUp], unreadable),
  },
  {
    name: 'Sec-Fetch-Mode alone, as Node sends it, is no browser',
    key,
    headers: ['Sec-Fetch-Mode: cors', 'Referer: https://evil.example/'],
    ...passes([signedUp], unreadable),
  },
  {
    name: 'an Origin counts before a Referer',
    key,
    headers: ['Origin: https://evil.example', 'Sec-Fetch-Site: cross-site', `Referer: ${app}/`],
    ...refuses('origin_not_allowed', { headers: unreadable }),
  },
  {
    name: 'an empty origin list refuses every browser',
    key: { allowedOrigins: [] },
    headers: [`Origin: ${app}`],
    ...refuses('origin_not_allowed', { headers: unreadable }),
  },
  ...foreignOrigins.map((origin) => ({
    name: `the origin ${origin} is refused, unreadably`,
    key,
    headers: [`Origin: ${origin}`],
    ...refuses('origin_not_allowed', { headers: unreadable }),
  })),
  {
    name: 'two Origin lines are refused',
    key,
    headers: [`Origin: ${app}`, `Origin: ${app}`],
    ...refuses('origin_not_allowed', { headers: unreadable }),
  },
  {
    name: 'an empty Origin is refused like a foreign one',
    key,
    headers: ['Origin: '],
    ...refuses('origin_not_allowed', { headers: unreadable }),
  },
  {
    name: 'headers of the request that only answers may carry are ignored',
    headers: [`Origin: ${app}`, 'Vary: Accept', 'Access-Control-Allow-Origin: https://evil.example'],
    ...passes(),
  },

  // Each refusal can be read by the page that sent the request.
  {
    name: 'a listed origin can read 400',
    key,
    headers: [`Origin: ${app}`],
    body: '{',
    ...refuses('invalid_json', { headers: fromApp }),
  },
  {
    name: 'a listed origin can read 413',
    key,
    server: 'small limits',
    headers: [`Origin: ${app}`],
    body: JSON.stringify({ ...signedUp, pad: 'x'.repeat(1_000) }),
    ...refuses('payload_too_large', { headers: fromApp }),
  },
  {
    name: 'a listed origin can read 415',
    key,
    headers: [`Origin: ${app}`, 'Content-Encoding: compress'],
    ...unsupported({ headers: fromApp }),
  },
  {
    name: 'a listed origin can read 403 over an event type',
    key: { ...key, allowedEventTypes: ['identify'] },
    headers: [`Origin: ${app}`],
    ...refuses('event_type_not_allowed', {
      headers: fromApp,
      members: { rejected: [{ index: 0, type: 'track' }] },
    }),
  },
  {
    name: 'a listed origin can read 403 over an address',
    key: { ...key, deniedIps: ['127.0.0.0/8'] },
    headers: [`Origin: ${app}`],
    ...refuses('ip_not_allowed', { headers: fromApp }),
  },
  {
    name: 'a listed origin can read 429',
    key: { ...key, rateLimitEps: 1 },
    spent: 1,
    headers: [`Origin: ${app}`],
    ...limited(rateHeaders(1, 1, 0, 1), 1, { headers: fromApp }),
  },
  {
    name: 'any origin can read 503',
    key,
    server: 'store down',
    state: 'unknown',
    headers: [`Origin: ${app}`],
    ...refuses('store_unavailable', {
      headers: { 'retry-after': '1' },
      members: { retry_after: 1 },
    }),
  },

  {
    name: 'a server key from a browser passes by default',
    key: { sourceType: 'server' },
    headers: [`Origin: ${app}`],
    ...passes(),
  },
  {
    name: 'a server key from a browser is refused on demand',
    server: 'server keys denied',
    key: { sourceType: 'server' },
    headers: [`Origin: ${app}`],
    ...refuses('origin_not_allowed', { headers: unreadable }),
  },
  {
    name: 'a server key without an Origin passes where browsers are denied it',
    server: 'server keys denied',
    key: { sourceType: 'server' },
    ...passes(),
  },
  {
    name: 'a server key from a browser without an Origin is refused on demand',
    server: 'server keys denied',
    key: { sourceType: 'server' },
    headers: ['Sec-Fetch-Site: cross-site'],
    ...refuses('origin_not_allowed', { headers: unreadable }),
  },
  {
    name: 'a web key from a browser passes where server keys are denied',
    server: 'server keys denied',
    headers: [`Origin: ${app}`],
    ...passes(),
  },
]

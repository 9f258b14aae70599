import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { passes, rateHeaders, refuses, signedUp, unauthorized, unsupported } from './answers.ts'
import type { GoldenRequest } from './golden-request.ts'

const json = JSON.stringify
const text = json(signedUp)
const typeless = { event: 'Signed Up', userId: 'u1' }
const many = (length: number) => Array.from({ length }, () => signedUp)
const invalid = refuses('invalid_json')
const invalidEvent = refuses('invalid_event')
const mismatch = refuses('event_type_mismatch')
const encoded = (
  coding: string,
  body: Uint8Array | (() => Uint8Array),
  name: string,
): Omit<GoldenRequest, 'expected'> => ({
  name,
  headers: [`Content-Encoding: ${coding}`],
  body,
})

const types = ['track', 'identify', 'page', 'screen', 'group', 'alias']

/** Paths that say track, in ways that servers and proxies let through. */
const trackPaths = [
  '/v1/track/',
  '/v1/TRACK',
  '/v1/%74rack',
  '/v1/trac%6B/',
  '/v1//track',
  '/v1/track//',
  '/v1/a/b/track',
  '/v1/T',
  '/v1/%54',
  '/v1/track?type=page',
  '/v1/track/?x=/page',
  '/v1/track?x=/;\\../%2f%00/page',
  'http://localhost/v1/track',
  'http://localhost:80/v1/track/?x=/page',
]
/** Paths that say no type. */
const typelessPaths = [
  '/v1/batch',
  '/v1/b',
  '/v1/BATCH',
  '/v1/events',
  '/v1',
  '/v1/',
  '/v1/%2574rack',
  '/v1/tracks',
  '/v1/track%20',
  '/v1/track/batch',
  'http://localhost/v1/batch',
]
/** Paths that routers read in different ways. */
const ambiguousPaths = [
  '/v1/page#/track',
  '/v1/track#',
  '/v1/track?x#/page',
  '/v1/track;x',
  '/v1/a;x=1/track',
  '/v1/page\\track',
  '/v1/./track',
  '/v1/page/../track',
  '/v1/track/.',
  '/v1/%2e%2E/v1/track',
  '/v1/.%2e/v1/track',
  '/v1/track%2fpage',
  '/v1/page%5Ctrack',
  '/v1/track%3bx',
  '/v1/track%00',
  '/v1/%C5%BFcreen',
  '/v1/trac%E2%84%AA',
  '/v1/%EF%BD%94rack',
  '/v1/identify/track',
  '/v1/IDENTIFY//t/',
  '/v1/%69dentify/%74rack',
  'http://localhost/v1/page\\track',
  'http://localhost/v1/page#/track',
]
/** The same, where routers refuse them, too. */
export const undecodablePaths = ['/v1/%ff/track', '/v1/%/track', '/v1/%zz', '/v1/%c0%afv1/track']

export const bodyRequests: readonly GoldenRequest[] = [
  // Types by path
  ...types.flatMap((type) =>
    [`/v1/${type}`, `/v1/${type.charAt(0)}`].map((path) => ({
      name: `${path} takes ${type} events`,
      path,
      key: { allowedEventTypes: [type] },
      body: json({ userId: 'u1' }),
      ...passes([{ userId: 'u1' }]),
    })),
  ),
  ...trackPaths.map((path) => ({
    name: `${path} says track`,
    path,
    body: json({ ...signedUp, type: 'identify' }),
    ...mismatch,
  })),
  ...typelessPaths.map((path) => ({
    name: `${path} says no type`,
    path,
    body: json({ type: 'identify', userId: 'u1' }),
    ...passes([{ type: 'identify', userId: 'u1' }]),
  })),
  ...[...ambiguousPaths, ...undecodablePaths].map((path) => ({
    name: `${path} is ambiguous`,
    path,
    ...refuses('invalid_path'),
  })),
  {
    name: 'an ambiguous path is refused before the key is looked at',
    path: '/v1/page#/track',
    authorization: ['Basic junk'],
    ...refuses('invalid_path'),
  },
  {
    name: 'a GET of an ambiguous path is refused, too',
    method: 'GET',
    path: '/v1/track#/page',
    contentType: null,
    body: null,
    ...refuses('invalid_path'),
  },
  { name: 'path and event may agree', path: '/v1/track', ...passes() },
  {
    name: 'one event of an array that disagrees with the path refuses all',
    body: json([signedUp, { type: 'page' }]),
    ...mismatch,
  },
  {
    name: 'one event of a batch that disagrees with the path refuses all',
    body: json({ batch: [signedUp, { type: 'page' }] }),
    ...mismatch,
  },
  {
    name: 'a disagreeing type is refused even when both are allowed',
    key: { allowedEventTypes: ['track', 'page'] },
    body: json({ type: 'page' }),
    ...mismatch,
  },

  // Shapes
  {
    name: 'a batch passes',
    path: '/v1/batch',
    body: json({ batch: [signedUp, typeless] }),
    ...passes([signedUp, typeless]),
  },
  {
    name: 'a batch with a context beside it passes',
    path: '/v1/batch',
    body: json({ batch: [signedUp], sentAt: 'x', context: {} }),
    ...passes(),
  },
  {
    name: 'a batch that says it is one passes',
    path: '/v1/batch',
    body: json({ type: 'batch', batch: [signedUp] }),
    ...passes(),
  },
  {
    name: 'a bare array passes',
    path: '/v1/batch',
    body: json([signedUp, signedUp]),
    ...passes([signedUp, signedUp]),
  },
  { name: 'an array passes on /v1/track', body: json([typeless, signedUp]), ...passes([typeless, signedUp]) },
  { name: 'an object without any field passes as an event', body: '{}', ...passes([{}]) },
  {
    name: 'a batch with a type beside it is refused',
    path: '/v1/batch',
    body: json({ type: 'track', batch: [signedUp] }),
    ...invalidEvent,
  },
  ...['event', 'name'].map((field) => ({
    name: `a batch with ${field === 'event' ? 'an event' : 'a name'} beside it is refused`,
    path: '/v1/batch',
    body: json({ [field]: 'Order Completed', batch: [signedUp] }),
    ...invalidEvent,
  })),
  { name: 'an empty batch is refused', path: '/v1/batch', body: json({ batch: [] }), ...invalidEvent },
  { name: 'an empty array is refused', path: '/v1/batch', body: '[]', ...invalidEvent },
  {
    name: 'a batch that is no array is refused',
    path: '/v1/batch',
    body: json({ batch: { 0: signedUp, length: 1 } }),
    ...invalidEvent,
  },
  { name: 'a batch of null is refused', path: '/v1/batch', body: json({ batch: null }), ...invalidEvent },
  {
    name: 'a batch within a batch is refused',
    path: '/v1/batch',
    body: json({ batch: [{ batch: [signedUp] }] }),
    ...invalidEvent,
  },
  {
    name: 'an array within an array is refused',
    path: '/v1/batch',
    body: json([[signedUp]]),
    ...invalidEvent,
  },
  ...['null', '1', '"track"', 'true'].map((body) => ({
    name: `the JSON value ${body} is no event`,
    body,
    ...invalidEvent,
  })),
  ...['null', '1', '"track"'].map((item) => ({
    name: `${item} in a batch is no event`,
    path: '/v1/batch',
    body: `{"batch":[${item}]}`,
    ...invalidEvent,
  })),
  { name: 'an own __proto__ is refused', body: '{"__proto__":{"type":"page"},"event":"x"}', ...invalidEvent },
  {
    name: 'an own __proto__ beside a batch is refused',
    path: '/v1/batch',
    body: '{"__proto__":{},"batch":[{}]}',
    ...invalidEvent,
  },
  {
    name: 'constructor and prototype are fields like others',
    body: '{"constructor":{"prototype":{"x":1}}}',
    ...passes([{ constructor: { prototype: { x: 1 } } }]),
  },
  {
    name: 'of a repeated field the last one counts for the check and the handler',
    path: '/v1/batch',
    body: '{"type":"page","type":"track"}',
    ...passes([{ type: 'track' }]),
  },

  // JSON
  ...[
    '',
    ' ',
    '{',
    '{"event":',
    '{"writeKey": sk_live_abc}',
    "{'event':'x'}",
    '{} {}',
    'undefined',
    'event=x&type=track',
    '\0',
  ].map((body) => ({ name: `the body ${JSON.stringify(body)} is no JSON`, body, ...invalid })),
  { name: 'no body and no length is no JSON', body: null, ...invalid },
  { name: 'a byte order mark is skipped', body: `\ufeff${text}`, ...passes() },
  {
    name: 'bytes that are no UTF-8 are refused',
    body: Buffer.from('{"event":"\xff"}', 'latin1'),
    ...invalid,
  },
  { name: 'UTF-16 is refused', body: Buffer.from(text, 'utf16le'), ...invalid },
  {
    name: 'text beyond ASCII arrives as sent',
    body: json({ event: 'Größe 🌍' }),
    ...passes([{ event: 'Größe 🌍' }]),
  },
  {
    name: 'a thousand levels deep is fine',
    body: `{"a":${'['.repeat(1_000)}${']'.repeat(1_000)}}`,
    ...passes([JSON.parse(`{"a":${'['.repeat(1_000)}${']'.repeat(1_000)}}`)]),
  },

  ...[2_000, 100_000].map((levels) => ({
    name: `${levels} levels deep is no JSON that anybody can handle`,
    body: `{"a":${'['.repeat(levels)}${']'.repeat(levels)}}`,
    ...invalid,
  })),
  {
    name: 'a body of half a megabyte passes',
    body: json({ ...signedUp, text: 'x'.repeat(520_000) }),
    ...passes([{ ...signedUp, text: 'x'.repeat(520_000) }]),
  },

  // Content types
  ...[
    'text/plain',
    'text/plain;charset=UTF-8',
    'application/x-www-form-urlencoded',
    'multipart/form-data',
    'application/cloudevents+json',
    'application/json; charset=utf-7',
    'nonsense',
  ].map((contentType) => ({ name: `JSON labelled ${contentType} passes`, contentType, ...passes() })),
  { name: 'JSON without a label passes', contentType: null, ...passes() },
  {
    name: 'a beacon without a key is 401',
    contentType: 'text/plain;charset=UTF-8',
    authorization: [],
    headers: ['Origin: https://app.example.com'],
    ...unauthorized('WriteKey realm="events"'),
  },

  // Encodings
  { ...encoded('gzip', gzipSync(text), 'gzip passes'), ...passes() },
  { ...encoded('GZIP', gzipSync(text), 'GZIP in capitals passes'), ...passes() },
  { ...encoded('x-gzip', gzipSync(text), 'x-gzip passes'), ...passes() },
  { ...encoded('deflate', deflateSync(text), 'deflate passes'), ...passes() },
  { ...encoded('deflate', deflateRawSync(text), 'deflate without its wrapper passes'), ...passes() },
  { ...encoded('br', brotliCompressSync(text), 'br passes'), ...passes() },
  { ...encoded('identity', Buffer.from(text), 'identity passes'), ...passes() },
  {
    ...encoded('gzip', gzipSync(text), 'gzipped JSON labelled as a form passes'),
    contentType: 'application/x-www-form-urlencoded',
    ...passes(),
  },
  {
    ...encoded(
      'gzip',
      Buffer.concat([gzipSync(text.slice(0, 9)), gzipSync(text.slice(9))]),
      'two gzip members pass as one',
    ),
    ...passes(),
  },
  { ...encoded('gzip', gzipSync(text).subarray(0, -6), 'a gzip cut short is refused'), ...invalid },
  {
    ...encoded(
      'gzip',
      Buffer.concat([gzipSync(text), Buffer.from('junk')]),
      'a gzip with junk behind it is refused',
    ),
    ...invalid,
  },
  { ...encoded('gzip', Buffer.from(text), 'JSON that only says it is gzip is refused'), ...invalid },
  {
    ...encoded('compress', Buffer.from(text), 'an unknown encoding is refused'),
    ...unsupported(),
  },
  {
    ...encoded('gzip, gzip', gzipSync(gzipSync(text)), 'stacked encodings are refused'),
    ...unsupported(),
  },
  { ...encoded('gzip, identity', gzipSync(text), 'gzip beside identity passes'), ...passes() },
  { ...encoded('identity,GZIP', gzipSync(text), 'gzip behind identity passes'), ...passes() },
  { ...encoded(', gzip,', gzipSync(text), 'empty members of an encoding say nothing'), ...passes() },
  {
    name: 'an encoding on two lines, one of which says nothing, passes',
    headers: ['Content-Encoding: identity', 'Content-Encoding: gzip'],
    body: gzipSync(text),
    ...passes(),
  },
  {
    name: 'two encodings on two lines are refused',
    headers: ['Content-Encoding: gzip', 'Content-Encoding: gzip'],
    body: gzipSync(gzipSync(text)),
    ...unsupported(),
  },
  {
    ...encoded('gzip', () => gzipSync('x'.repeat(5_000_000)), 'a small bomb is refused'),
    ...refuses('payload_too_large'),
  },
  {
    ...encoded('br', () => brotliCompressSync('x'.repeat(5_000_000)), 'a small br bomb is refused'),
    ...refuses('payload_too_large'),
  },
  {
    ...encoded('deflate', () => deflateSync('x'.repeat(5_000_000)), 'a small deflate bomb is refused'),
    ...refuses('payload_too_large'),
  },

  // Sizes and framing
  { name: 'a chunked body passes', chunked: true, ...passes() },
  { name: 'a body at the limit passes', server: 'small limits', body: text.padEnd(200), ...passes() },
  {
    name: 'a body above the limit is refused unread',
    server: 'small limits',
    body: text.padEnd(201),
    ...refuses('payload_too_large'),
  },
  {
    name: 'a chunked body above the limit is refused as it comes',
    server: 'small limits',
    body: text.padEnd(5_000),
    chunked: true,
    ...refuses('payload_too_large', { closes: true }),
  },
  {
    name: 'as many events as may be pass',
    server: 'small limits',
    path: '/v1/batch',
    body: '[{},{},{}]',
    ...passes([{}, {}, {}]),
  },
  {
    name: 'one event more is refused',
    server: 'small limits',
    path: '/v1/batch',
    body: '[{},{},{},{}]',
    ...refuses('too_many_events'),
  },
  { name: '2 500 events pass', path: '/v1/batch', body: json(many(2_500)), ...passes(many(2_500)) },
  {
    name: '2 501 events are refused',
    path: '/v1/batch',
    body: json(many(2_501)),
    ...refuses('too_many_events'),
  },

  {
    name: 'a refused body of 65 536 bytes lets its connection live on',
    authorization: ['Basic junk'],
    body: text.padEnd(65_536),
    ...unauthorized(),
  },
  {
    name: 'a refused body of 65 537 bytes ends its connection',
    authorization: ['Basic junk'],
    body: text.padEnd(65_537),
    ...unauthorized(undefined, true),
  },
  {
    name: 'a refused body whose end is not known ends its connection',
    authorization: ['Basic junk'],
    chunked: true,
    ...unauthorized(undefined, true),
  },

  {
    name: 'a body for which there is no room is refused as busy',
    server: 'room for little',
    chunked: true,
    body: text.padEnd(100),
    ...refuses('busy', { closes: true, headers: { 'retry-after': '5' }, members: { retry_after: 5 } }),
  },
  {
    name: 'a body for which there is room passes',
    server: 'room for little',
    chunked: true,
    body: '{}',
    ...passes([{}]),
  },

  // Methods
  { name: 'GET passes with no events', method: 'GET', contentType: null, body: null, ...passes([]) },
  { name: 'HEAD passes with no events', method: 'HEAD', contentType: null, body: null, ...passes([]) },
  {
    name: 'GET without a key is 401',
    method: 'GET',
    contentType: null,
    body: null,
    authorization: [],
    ...unauthorized(undefined, false),
  },
  {
    name: 'HEAD without a key is 401',
    method: 'HEAD',
    contentType: null,
    body: null,
    authorization: [],
    ...unauthorized(undefined, false),
  },
  {
    name: 'GET is charged',
    method: 'GET',
    contentType: null,
    body: null,
    key: { rateLimitEps: 2 },
    ...passes([], rateHeaders(2, 1, 1, 1)),
  },
  ...['GET', 'HEAD'].flatMap((method) => [
    {
      name: `${method} with a body is refused`,
      method,
      path: '/v1/identify',
      key: { allowedEventTypes: ['page'] },
      body: json({ batch: [{ type: 'identify' }, { type: 'identify' }] }),
      ...refuses('unexpected_body'),
    },
    {
      name: `${method} with a chunked body is refused`,
      method,
      chunked: true,
      ...refuses('unexpected_body', { closes: true }),
    },
    {
      name: `${method} with a body is refused before the key is looked at`,
      method,
      authorization: [],
      ...refuses('unexpected_body'),
    },
    {
      name: `${method} with a length of 0 passes`,
      method,
      contentType: null,
      body: '',
      ...passes([]),
    },
  ]),
  ...['PUT', 'PATCH', 'DELETE'].map((method) => ({
    name: `${method} with an event passes`,
    method,
    ...passes(),
  })),
  ...['PUT', 'PATCH', 'DELETE'].map((method) => ({
    name: `${method} without a key is 401`,
    method,
    authorization: [],
    ...unauthorized(),
  })),
  { name: 'DELETE without a body is no JSON', method: 'DELETE', contentType: null, body: null, ...invalid },
]

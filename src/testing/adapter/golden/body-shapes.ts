import { passes, refuses, signedUp, unauthorized } from './answers.ts'
import type { GoldenRequest } from './golden-request.ts'

const json = JSON.stringify
const text = json(signedUp)
const typeless = { event: 'Signed Up', userId: 'u1' }
const invalid = refuses('invalid_json')
const invalidEvent = refuses('invalid_event')

export const bodyShapeRequests: readonly GoldenRequest[] = [
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
]

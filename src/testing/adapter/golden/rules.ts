import { limited, passes, rateHeaders, refuses, signedUp, unauthorized } from './answers.ts'
import type { GoldenRequest } from './golden-request.ts'

const browserTypes = { allowedEventTypes: ['track', 'identify', 'page'] }
const identified = { type: 'identify', userId: 'u1' }
const grouped = { type: 'group', groupId: 'g1' }
const json = JSON.stringify
const typeRefused = (...rejected: { index: number; type: string | null }[]) =>
  refuses('event_type_not_allowed', { members: { rejected } })
const nameRefused = (...rejected: { index: number; type: string | null }[]) =>
  refuses('event_name_not_allowed', { members: { rejected } })
const addressRefused = refuses('ip_not_allowed')

/** Texts that look like an allowed type, but are not. */
const nearTypes = [
  'Track',
  'TRACK',
  'track ',
  ' track',
  'track\0',
  'tr\u0430ck',
  'tracks',
  't',
  '',
  'constructor',
]
/** A refusal repeats a type only if it is a short plain word. */
const repeated = (type: string) => (/^[A-Za-z0-9_.:-]+$/.test(type) ? type : null)

export const ruleRequests: readonly GoldenRequest[] = [
  // Event types
  { name: 'an allowed type passes', key: browserTypes, ...passes() },
  {
    name: 'another type is refused by name',
    key: browserTypes,
    path: '/v1/group',
    body: json(grouped),
    ...typeRefused({ index: 0, type: 'group' }),
  },
  {
    name: 'the path says the type where the event does not',
    key: browserTypes,
    path: '/v1/group',
    body: json({ groupId: 'g1' }),
    ...typeRefused({ index: 0, type: 'group' }),
  },
  {
    name: 'an event without a type passes a key without type rules',
    path: '/v1/batch',
    body: json([{ userId: 'u1' }]),
    ...passes([{ userId: 'u1' }]),
  },
  {
    name: 'an event whose type nobody says is refused by a key with type rules',
    key: browserTypes,
    path: '/v1/batch',
    body: json([{ userId: 'u1' }]),
    ...typeRefused({ index: 0, type: null }),
  },
  ...nearTypes.map((type) => ({
    name: `the type ${JSON.stringify(type)} is not track`,
    key: browserTypes,
    path: '/v1/batch',
    body: json([{ ...signedUp, type }]),
    ...typeRefused({ index: 0, type: repeated(type) }),
  })),
  ...[null, 7, true, ['track'], { toString: 'track' }].map((type) => ({
    name: `the type ${JSON.stringify(type)} is invalid`,
    path: '/v1/batch',
    body: json([{ ...signedUp, type }]),
    ...refuses('invalid_event'),
  })),
  {
    name: 'one forbidden event refuses its batch, and names its place',
    key: browserTypes,
    path: '/v1/batch',
    body: json([...Array.from({ length: 99 }, () => signedUp), grouped]),
    ...typeRefused({ index: 99, type: 'group' }),
  },
  {
    name: 'of many forbidden events ten are named',
    key: browserTypes,
    path: '/v1/batch',
    body: json(Array.from({ length: 40 }, () => grouped)),
    ...typeRefused(...Array.from({ length: 10 }, (_, index) => ({ index, type: 'group' }))),
  },
  {
    name: 'a long or strange type is not repeated',
    key: browserTypes,
    path: '/v1/batch',
    body: json([{ type: 'x'.repeat(33) }, { type: '<script>' }, { type: 'order' }]),
    ...typeRefused({ index: 0, type: null }, { index: 1, type: null }, { index: 2, type: 'order' }),
  },
  {
    name: 'forbidden events are dropped on demand',
    server: 'drops forbidden events',
    key: browserTypes,
    path: '/v1/batch',
    body: json({ batch: [grouped, signedUp, grouped, identified] }),
    ...passes([signedUp, identified]),
  },
  {
    name: 'what is no event is dropped, too',
    server: 'drops forbidden events',
    path: '/v1/batch',
    body: json({ batch: [null, signedUp, 7, [signedUp], { type: 7 }, { batch: [] }, identified] }),
    ...passes([signedUp, identified]),
  },
  {
    name: 'dropped events cost as much as others',
    server: 'drops forbidden events',
    key: { ...browserTypes, rateLimitEps: 10 },
    path: '/v1/batch',
    body: json([grouped, signedUp, null, grouped]),
    ...passes([signedUp], rateHeaders(10, 1, 6, 1)),
  },
  {
    name: 'a request of forbidden events alone is refused where they are dropped',
    server: 'drops forbidden events',
    key: { ...browserTypes, rateLimitEps: 10 },
    path: '/v1/batch',
    body: json([null, grouped]),
    ...typeRefused({ index: 0, type: null }, { index: 1, type: 'group' }),
  },
  {
    name: 'a request without any event is refused where they are dropped',
    server: 'drops forbidden events',
    path: '/v1/batch',
    body: json([null]),
    ...typeRefused({ index: 0, type: null }),
  },
  {
    name: 'a single forbidden event is refused where they are dropped',
    server: 'drops forbidden events',
    key: browserTypes,
    path: '/v1/batch',
    body: json(grouped),
    ...typeRefused({ index: 0, type: 'group' }),
  },
  {
    name: 'a single event whose type is no text is refused where they are dropped',
    server: 'drops forbidden events',
    path: '/v1/batch',
    body: json({ type: 7 }),
    ...refuses('invalid_event'),
  },
  {
    name: 'an event that disagrees with the path refuses all where events are dropped',
    server: 'drops forbidden events',
    key: browserTypes,
    body: json([signedUp, identified, null]),
    ...refuses('event_type_mismatch'),
  },
  {
    name: 'a polluted type does not count',
    key: browserTypes,
    path: '/v1/batch',
    body: '[{"__proto__":{"type":"track"}}]',
    ...refuses('invalid_event'),
  },
  {
    name: 'a type of the installation passes',
    server: 'own event types',
    key: { allowedEventTypes: ['order'] },
    path: '/v1/order',
    body: json({ id: 1 }),
    ...passes([{ id: 1 }]),
  },
  {
    name: 'a type of the installation is refused to keys that may not send it',
    server: 'own event types',
    key: browserTypes,
    path: '/v1/order',
    body: json({ id: 1 }),
    ...typeRefused({ index: 0, type: 'order' }),
  },

  // Event names
  { name: 'an allowed name passes', key: { allowedEventNames: ['Signed Up'] }, ...passes() },
  {
    name: 'another name is refused',
    key: { allowedEventNames: ['Signed In'] },
    ...nameRefused({ index: 0, type: 'track' }),
  },
  {
    name: 'a name in another case is refused',
    key: { allowedEventNames: ['signed up'] },
    ...nameRefused({ index: 0, type: 'track' }),
  },
  { name: 'a name passes by its beginning', key: { allowedEventNames: ['Signed*'] }, ...passes() },
  {
    name: 'a denied name is refused',
    key: { deniedEventNames: ['Signed*'] },
    ...nameRefused({ index: 0, type: 'track' }),
  },
  {
    name: 'denial wins over permission',
    key: { allowedEventNames: ['Signed Up'], deniedEventNames: ['Signed Up'] },
    ...nameRefused({ index: 0, type: 'track' }),
  },
  {
    name: 'a page has its name in name',
    key: { allowedEventNames: ['Home'] },
    path: '/v1/page',
    body: json({ name: 'Home' }),
    ...passes([{ name: 'Home' }]),
  },
  {
    name: 'a page of another name is refused',
    key: { allowedEventNames: ['Home'] },
    path: '/v1/page',
    body: json({ name: 'Cart' }),
    ...nameRefused({ index: 0, type: 'page' }),
  },
  {
    name: 'identify has no name and passes',
    key: { allowedEventNames: ['Home'] },
    path: '/v1/identify',
    body: json(identified),
    ...passes([identified]),
  },
  {
    name: 'an event of the other document has its name in name',
    key: { allowedEventNames: ['billing/*'] },
    path: '/v1/e',
    body: json({ name: 'billing/paid', data: {} }),
    ...passes([{ name: 'billing/paid', data: {} }]),
  },
  {
    name: 'an event of the other document under another name is refused',
    key: { allowedEventNames: ['billing/*'] },
    path: '/v1/e',
    body: json({ name: 'user/made', data: {} }),
    ...nameRefused({ index: 0, type: null }),
  },

  // Addresses
  { name: 'an allowed address passes', key: { allowedIps: ['127.0.0.1'] }, ...passes() },
  {
    name: 'an address in an allowed range passes',
    key: { allowedIps: ['10.0.0.0/8', '127.0.0.0/8'] },
    ...passes(),
  },
  {
    name: 'an IPv4 address passes by its mapped form',
    key: { allowedIps: ['::ffff:127.0.0.1'] },
    ...passes(),
  },
  { name: 'another address is refused', key: { allowedIps: ['10.0.0.0/8'] }, ...addressRefused },
  { name: 'a denied address is refused', key: { deniedIps: ['127.0.0.0/8'] }, ...addressRefused },
  {
    name: 'denial of an address wins over permission',
    key: { allowedIps: ['127.0.0.1'], deniedIps: ['127.0.0.1'] },
    ...addressRefused,
  },
  ...[
    'X-Forwarded-For: 10.0.0.1',
    'Forwarded: for=10.0.0.1',
    'X-Real-IP: 10.0.0.1',
    'CF-Connecting-IP: 10.0.0.1',
  ].map((line) => ({
    name: `${line} changes nothing without trusted proxies`,
    key: { allowedIps: ['10.0.0.0/8'] },
    headers: [line],
    ...addressRefused,
  })),
  {
    name: 'the right-most entry counts behind one proxy',
    server: 'behind one proxy',
    key: { allowedIps: ['203.0.113.9'] },
    headers: ['X-Forwarded-For: 10.0.0.1, 203.0.113.9'],
    ...passes(),
  },
  {
    name: 'an entry of the client does not count behind one proxy',
    server: 'behind one proxy',
    key: { allowedIps: ['10.0.0.1'] },
    headers: ['X-Forwarded-For: 10.0.0.1, 203.0.113.9'],
    ...addressRefused,
  },
  {
    name: 'an entry that is no address is refused by a key with address rules',
    server: 'behind one proxy',
    key: { deniedIps: ['10.0.0.1'] },
    headers: ['X-Forwarded-For: 10.0.0.1, unknown'],
    ...addressRefused,
  },
  {
    name: 'an entry that is no address does not matter to a key without address rules',
    server: 'behind one proxy',
    headers: ['X-Forwarded-For: unknown'],
    ...passes(),
  },
  {
    name: 'trusted ranges are skipped from the right, over lines',
    server: 'behind trusted ranges',
    key: { allowedIps: ['203.0.113.9'] },
    headers: ['X-Forwarded-For: 10.9.9.9, 203.0.113.9', 'X-Forwarded-For: 192.0.2.1'],
    ...passes(),
  },
  {
    name: 'the address is checked before the origin',
    key: { allowedIps: ['10.0.0.0/8'], allowedOrigins: ['https://app.example.com'] },
    headers: ['Origin: https://evil.example'],
    ...refuses('ip_not_allowed', { headers: { 'access-control-allow-origin': null } }),
  },

  // Rates
  {
    name: 'a rate is told with each answer',
    key: { rateLimitEps: 500 },
    ...passes([signedUp], rateHeaders(500, 1, 499, 1)),
  },
  {
    name: 'a batch costs its events',
    key: { rateLimitEps: 500 },
    path: '/v1/batch',
    body: json([signedUp, signedUp, signedUp]),
    ...passes([signedUp, signedUp, signedUp], rateHeaders(500, 1, 497, 1)),
  },
  {
    name: 'the last event passes',
    key: { rateLimitEps: 5 },
    spent: 4,
    ...passes([signedUp], rateHeaders(5, 1, 0, 1)),
  },
  {
    name: 'an empty bucket refuses before the body is read',
    key: { rateLimitEps: 5 },
    spent: 5,
    ...limited(rateHeaders(5, 1, 0, 1), 1),
  },
  {
    name: 'an empty bucket refuses a request whose body is no JSON all the same',
    key: { rateLimitEps: 5 },
    spent: 5,
    body: '{',
    ...limited(rateHeaders(5, 1, 0, 1), 1),
  },
  {
    name: 'a batch above what is left is refused whole, after its body was read',
    key: { rateLimitEps: 5 },
    spent: 3,
    path: '/v1/batch',
    body: json([signedUp, signedUp, signedUp]),
    ...limited(rateHeaders(5, 1, 2, 1), 1),
  },
  {
    name: 'a batch above the capacity passes on a full bucket',
    key: { rateLimitEps: 2 },
    path: '/v1/batch',
    body: json(Array.from({ length: 7 }, () => signedUp)),
    ...passes(
      Array.from({ length: 7 }, () => signedUp),
      rateHeaders(2, 1, 0, 4),
    ),
  },
  {
    name: 'a debt is told in Retry-After',
    key: { rateLimitEps: 2 },
    spent: 7,
    ...limited(rateHeaders(2, 1, 0, 3), 3),
  },
  {
    name: 'a slow rate is told over a longer window',
    key: { rateLimitEps: 0.1 },
    ...passes([signedUp], rateHeaders(1, 10, 0, 10)),
  },
  {
    name: 'a slow rate refuses for as long',
    key: { rateLimitEps: 0.1 },
    spent: 1,
    ...limited(rateHeaders(1, 10, 0, 10), 10),
  },
  {
    name: 'the rate of the plan counts for keys without one',
    server: 'default rate',
    ...passes([signedUp], rateHeaders(3, 1, 2, 1)),
  },
  {
    name: "a key's own rate wins over the plan's",
    server: 'default rate',
    key: { rateLimitEps: 9 },
    ...passes([signedUp], rateHeaders(9, 1, 8, 1)),
  },
  {
    name: 'a burst of ten seconds is told so',
    server: 'long burst',
    key: { rateLimitEps: 5 },
    ...passes([signedUp], rateHeaders(50, 10, 49, 1)),
  },
  {
    name: 'a refused request is not charged',
    key: { rateLimitEps: 5 },
    spent: 4,
    body: '{',
    ...refuses('invalid_json'),
  },
  {
    name: 'a GET costs one',
    method: 'GET',
    contentType: null,
    body: null,
    key: { rateLimitEps: 5 },
    ...passes([], rateHeaders(5, 1, 4, 1)),
  },
  {
    name: 'wrong keys from one address are refused once there are too many',
    server: 'flooded with wrong keys',
    state: 'unknown',
    ...refuses('too_many_failures', {
      headers: { 'retry-after': '1' },
      members: { retry_after: 1 },
    }),
  },
  {
    name: 'a malformed key is 401 even then',
    server: 'flooded with wrong keys',
    authorization: ['Basic junk'],
    ...unauthorized(),
  },

  // Grace and outages
  {
    name: 'a secret in its grace passes, and is told when it ends',
    state: 'in grace',
    ...passes([signedUp], { deprecation: '@1768474800', sunset: 'Fri, 16 Jan 2026 11:00:00 GMT' }),
  },
  {
    name: 'a secret in its grace shares the rate of its key',
    state: 'in grace',
    key: { rateLimitEps: 10 },
    ...passes([signedUp], {
      ...rateHeaders(10, 1, 9, 1),
      deprecation: '@1768474800',
      sunset: 'Fri, 16 Jan 2026 11:00:00 GMT',
    }),
  },
  {
    name: 'a store that is away is 503, never 401',
    server: 'store down',
    state: 'unknown',
    ...refuses('store_unavailable', {
      headers: { 'retry-after': '1' },
      members: { retry_after: 1 },
    }),
  },
  {
    name: 'a limiter that throws is 503',
    server: 'limiter down',
    key: { rateLimitEps: 5 },
    ...refuses('store_unavailable', { headers: { 'retry-after': '1' }, members: { retry_after: 1 } }),
  },
]

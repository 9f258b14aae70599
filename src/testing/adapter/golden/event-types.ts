import { passes, rateHeaders, refuses, signedUp } from './answers.ts'
import type { GoldenRequest } from './golden-request.ts'

const browserTypes = { allowedEventTypes: ['track', 'identify', 'page'] }
const identified = { type: 'identify', userId: 'u1' }
const grouped = { type: 'group', groupId: 'g1' }
const json = JSON.stringify
const typeRefused = (...rejected: { index: number; type: string | null }[]) =>
  refuses('event_type_not_allowed', { members: { rejected } })
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

export const eventTypeRequests: readonly GoldenRequest[] = [
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
]

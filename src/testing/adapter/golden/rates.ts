import { limited, passes, rateHeaders, refuses, signedUp, unauthorized } from './answers.ts'
import type { GoldenRequest } from './golden-request.ts'

const json = JSON.stringify

export const rateRequests: readonly GoldenRequest[] = [
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
]

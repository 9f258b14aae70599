import { passes, rateHeaders, refuses, unauthorized } from './answers.ts'
import type { GoldenRequest } from './golden-request.ts'

const json = JSON.stringify
const invalid = refuses('invalid_json')

export const methodRequests: readonly GoldenRequest[] = [
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

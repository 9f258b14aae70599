import { passes, refuses, signedUp, unauthorized } from './answers.ts'
import type { GoldenRequest } from './golden-request.ts'

const json = JSON.stringify
const text = json(signedUp)
const many = (length: number) => Array.from({ length }, () => signedUp)

/** Sizes and framing. */
export const bodySizeRequests: readonly GoldenRequest[] = [
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
]

import { passes, rateHeaders, refuses, signedUp } from './answers.ts'
import type { GoldenRequest } from './golden-request.ts'

export const graceAndOutageRequests: readonly GoldenRequest[] = [
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

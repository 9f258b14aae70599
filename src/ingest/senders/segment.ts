import type { Sender } from '../sender.ts'
import { analyticsEvents, analyticsRoutes } from './analytics-routes.ts'

export const segment: Sender = {
  name: 'segment',
  title: 'Segment',
  packages: [
    '@segment/analytics-node 3.1',
    '@segment/analytics-node 2.3',
    'analytics-node 6.2',
    '@segment/analytics-next 1.84',
  ],
  requests: ['Swift 1.10', 'Kotlin 1.25', 'C# 2.6', 'Python 2.3', 'Ruby 2.5', 'Go 3.3', 'PHP 3.8'],
  methods: ['POST'],
  routes: analyticsRoutes,
  credentials: Object.freeze(['basic', 'body']),
  batchFields: Object.freeze(['batch']),
  prefix:
    "@segment/analytics-node has `path: '/ingest/v1/batch'` beside `host`, and drops the path of `host`. analytics-node takes `host: 'https://example.com/ingest'`, analytics-next `apiHost: 'example.com/ingest/v1'`",
  body: 'JSON with any `Content-Type`, gzip if `Content-Encoding` says so',
  types: analyticsEvents,
  answers: 'success',
  loses:
    '@segment/analytics-node 3.1 waits for `Retry-After` on 429 and tries many times (see the table below). 2.3 and analytics-node 6.2 ignore `Retry-After` and give up after 4 tries within two seconds. All of them refuse events over 32 KB themselves. analytics-next waits for `Retry-After`, tries up to 10 times, and sends the rest when the page is closed. Batches are sent in parallel, so after a refusal a later one may arrive first.',
}

import type { Sender } from '../sender.ts'
import { analyticsEvents, analyticsRoutes } from './analytics-routes.ts'

export const customerio: Sender = {
  name: 'customerio',
  title: 'Customer.io',
  packages: ['@customerio/cdp-analytics-node 0.5'],
  methods: ['POST'],
  routes: analyticsRoutes,
  credentials: Object.freeze(['basic']),
  batchFields: Object.freeze(['batch']),
  prefix: "`path: '/ingest/v1/batch'` beside `host`; it drops the path of `host`",
  body: 'JSON',
  types: analyticsEvents,
  answers: 'success',
  loses:
    'Ignores `Retry-After` and gives up after 4 tries within a second. After a refusal a later batch may arrive first.',
}

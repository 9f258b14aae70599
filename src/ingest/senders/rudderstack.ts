import type { Sender } from '../sender.ts'
import { analyticsEvents, analyticsRoutes } from './analytics-routes.ts'

export const rudderstack: Sender = {
  name: 'rudderstack',
  title: 'RudderStack',
  packages: ['@rudderstack/rudder-sdk-node 3.0.13', '@rudderstack/analytics-js 3.34'],
  methods: ['POST'],
  routes: [...analyticsRoutes, { path: '/beacon/v1/batch', eventType: 'batch' }],
  credentials: Object.freeze(['basic', 'query', 'body']),
  batchFields: Object.freeze(['batch']),
  prefix: "`dataPlaneUrl: 'https://example.com/ingest'`",
  body: 'JSON, gzip labelled as a form, or text from a beacon',
  types: analyticsEvents,
  answers: 'success',
  loses:
    'rudder-sdk-node waits for `Retry-After` and gives up after 4 tries, or at once if its `timeout` is shorter. It sends its first event alone. analytics-js keeps events refused with 429 or 503 in the browser and tries without end. Batches are sent in parallel, so after a refusal a later one may arrive first.',
}

import { createUntypedForm } from './event-form.ts'
import { moreSenders } from './more-senders.ts'
import type { Sender, SenderName, SenderRoute } from './sender.ts'

export type { Sender, SenderName, SenderRoute } from './sender.ts'

const analyticsTypes = ['track', 'identify', 'page', 'screen', 'group', 'alias'] as const

/** `/v1/track` and `/v1/t`, and so on for every type. */
const analyticsRoutes: readonly SenderRoute[] = [
  ...analyticsTypes.flatMap((type) =>
    [type, type.charAt(0)].map((name) => ({ path: `/v1/${name}`, eventType: type })),
  ),
  ...['batch', 'b', 'import'].map((name) => ({ path: `/v1/${name}`, eventType: 'batch' })),
]

const analyticsEvents =
  'The path says the type; in a batch, the `type` of each event does. A key with a type rule refuses events without a type. The name is `event` of a track call, `name` of a page or screen call.'

/**
 * The one table of senders, in the order in which paths are matched. docs/senders.md is generated from it.
 */
export const senders: Readonly<Record<SenderName, Sender>> = {
  segment: {
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
  },
  rudderstack: {
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
  },
  customerio: {
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
  },
  inngest: {
    name: 'inngest',
    title: 'Inngest',
    packages: ['inngest 4.24'],
    methods: ['POST'],
    routes: [{ path: '/e/:key', eventType: 'batch' }],
    credentials: Object.freeze([Object.freeze({ path: '/e/:key' })]),
    batchFields: Object.freeze(['batch']),
    prefix:
      "`baseUrl: 'https://example.com/ingest/'`, with the slash at the end: without it the last segment is dropped",
    body: 'JSON: one event or a list',
    form: createUntypedForm('batch'),
    types:
      'Events have no type, so a key with a type rule refuses them. If an event has a `type` anyway, it is removed. The name is `name`. Events without an `id` get one, and the answer contains it.',
    carriedIn: 'data',
    answers: 'ids',
    loses:
      'Tries 5 times within two seconds, whatever the answer, and then rejects `send()`. Calls that you do not await may arrive in another order.',
  },
  ...moreSenders,
}

/** The senders of an API that names none. */
export const defaultSenders: readonly SenderName[] = ['segment', 'rudderstack', 'customerio', 'inngest']

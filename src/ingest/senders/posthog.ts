import { createBodyForm, messageId, textOf, typeByName } from '../body-form.ts'
import { batchRoutes, type Sender } from '../sender.ts'

const posthogTypes: Readonly<Record<string, string>> = {
  $pageview: 'page',
  $screen: 'screen',
  $identify: 'identify',
  $set: 'identify',
  $groupidentify: 'group',
  $create_alias: 'alias',
  $merge_dangerously: 'alias',
}

export const posthog: Sender = {
  name: 'posthog',
  title: 'PostHog',
  packages: ['posthog-node 5.70', 'posthog-js 1.449'],
  methods: ['POST'],
  routes: batchRoutes('/batch/', '/capture/', '/e/', '/i/v0/e/'),
  credentials: Object.freeze(['basic', 'body']),
  keyIn:
    '`api_key` or `token` of the body, of each event, or `token` of its `properties`. If there are several, they must be equal. Or Basic, which then counts alone',
  batchFields: Object.freeze(['batch']),
  form: createBodyForm({
    batchFields: ['batch'],
    keyFields: ['api_key', 'token'],
    tokenIn: 'properties',
    besideEvents: ['sent_at', 'historical_migration'],
    describe(event) {
      const name = textOf(event, 'event')
      const type = typeByName(name, posthogTypes)
      const isPage = type === 'page' || type === 'screen'
      return { type, ...(isPage && { name }), ...messageId(event, textOf(event, 'uuid')) }
    },
  }),
  prefix: "`host: 'https://example.com/ingest'`; posthog-js has it in `api_host`",
  body: 'JSON, gzip with or without a label, or a form with `data` in base64 (beacons)',
  types:
    '`$pageview` is page, `$screen` screen, `$identify` and `$set` identify, `$groupidentify` group, `$create_alias` and `$merge_dangerously` alias; every other event is track. The name is `event`, also for pages and screens; an event without one is refused with `invalid_event`.',
  answers: {
    words: '`{ "status": "Ok" }`',
    success: ({ rejected }) => ({
      body: JSON.stringify({ status: 'Ok', ...(rejected.length > 0 && { rejected }) }),
    }),
  },
  loses:
    'posthog-node 5.70 tries 4 times, 3 s apart, on 408, 429 and 5xx, whatever `Retry-After` says, and then drops the batch. It halves batches on 413, and drops them on any other 4xx.',
}

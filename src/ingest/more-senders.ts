import type { CredentialRequest } from '../http/ingest-request.ts'
import { createBodyForm, messageId, type SenderBodyForm, textOf, typeByName } from './body-form.ts'
import { createPageForm } from './event-form.ts'
import { isAsked, type Problem } from './own-answers.ts'
import type { Sender, SenderName, SenderRoute } from './sender.ts'

const batches = (...paths: string[]): SenderRoute[] => paths.map((path) => ({ path, eventType: 'batch' }))

const posthogTypes: Readonly<Record<string, string>> = {
  $pageview: 'page',
  $screen: 'screen',
  $identify: 'identify',
  $set: 'identify',
  $groupidentify: 'group',
  $create_alias: 'alias',
  $merge_dangerously: 'alias',
}

const posthog: Sender = {
  name: 'posthog',
  title: 'PostHog',
  packages: ['posthog-node 5.70', 'posthog-js 1.449'],
  methods: ['POST'],
  routes: batches('/batch/', '/capture/', '/e/', '/i/v0/e/'),
  credentials: Object.freeze(['basic', 'body']),
  keyIn:
    '`api_key` or `token` of the body, of each event, or `token` of its `properties`; or Basic. If there are several, they must be equal',
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

const amplitudeTypes: Readonly<Record<string, string>> = { $identify: 'identify', $groupidentify: 'group' }

const amplitude: Sender = {
  name: 'amplitude',
  title: 'Amplitude',
  packages: ['@amplitude/analytics-node 1.5'],
  methods: ['POST'],
  routes: batches('/2/httpapi', '/batch'),
  credentials: Object.freeze(['basic', 'body']),
  keyIn: '`api_key` of the body; or Basic',
  batchFields: Object.freeze(['batch']),
  form: createBodyForm({
    batchFields: ['events', 'batch'],
    keyFields: ['api_key'],
    besideEvents: ['options', 'client_upload_time'],
    describe(event) {
      const name = textOf(event, 'event_type')
      const type = typeByName(name, amplitudeTypes)
      return {
        type,
        ...(type === 'track' && { event: name }),
        ...messageId(event, textOf(event, 'insert_id')),
      }
    },
  }),
  prefix: "`serverUrl: 'https://example.com/ingest/2/httpapi'`",
  body: 'JSON, gzip with or without a label',
  carriedIn: 'event_properties',
  types:
    '`$identify` is identify, `$groupidentify` group; every other event is track. The name is `event_type`, and handlers also find it as `event`; an event without one is refused with `invalid_event`.',
  answers: {
    words: '`{ "code": 200, "events_ingested": N, … }`',
    success: ({ events, rejected }) => ({
      body: JSON.stringify({
        code: 200,
        events_ingested: events.length,
        payload_size_bytes: 0,
        server_upload_time: 0,
        ...(rejected.length > 0 && { rejected }),
      }),
    }),
    refusal: amplitudeRefusal,
  },
  loses:
    'analytics-node 1.5 reads `code` in the body. It tries 12 times on 429 and 5xx, and halves batches on 413. On 400 or 403 it drops the events that are listed and sends the others again. It drops everything on 401, or when the connection fails. `flush()` does not try again.',
}

/**
 * Above this, its SDKs should wait 30 s between tries, as they do for throttled events, and not only their
 * flush interval of 10 s.
 */
const longPauseSeconds = 10
/** The largest batch that an SDK is likely to be configured for. */
const everyIndex: readonly number[] = Array.from({ length: 1_000 }, (_, index) => index)

/**
 * Amplitude's SDKs read `code` in the body, and read lists without checking that they exist. On a 4xx they
 * drop the listed events and send the others again. With a `missing_field`, or an error about the key, they
 * drop all.
 */
function amplitudeRefusal({ status, code, detail, rejected, retry_after }: Problem): object {
  if (status === 429) {
    const throttled_events = (retry_after ?? 0) > longPauseSeconds ? everyIndex : []
    return { code: status, error: detail, eps_threshold: 0, throttled_events, reason: code }
  }
  if (status === 401) return { code: status, error: `Invalid API key: ${detail}`, reason: code }
  if (status >= 500 || status === 413) return { code: status, error: detail, reason: code }
  if (rejected === undefined) {
    // Nearly always an event without the one field that its API requires.
    const missing_field = code === 'invalid_event' ? 'event_type' : code
    return { code: status, error: detail, missing_field, reason: code }
  }
  const indexes = rejected.map(({ index }) => index)
  return { code: status, error: detail, events_with_invalid_fields: { event_type: indexes }, reason: code }
}

const mixpanel: Sender = {
  name: 'mixpanel',
  title: 'Mixpanel',
  packages: ['mixpanel 0.24'],
  methods: ['POST', 'GET'],
  routes: [
    ...batches('/track', '/import'),
    { path: '/engage', eventType: 'batch', form: mixpanelForm(() => 'identify', '$token') },
    { path: '/groups', eventType: 'batch', form: mixpanelForm(() => 'group', '$token') },
  ],
  credentials: Object.freeze(['basic', 'body']),
  keyIn:
    '`token` of the `properties` of each event, `$token` of a profile; or Basic. If there are several, they must be equal',
  batchFields: Object.freeze(['batch']),
  form: mixpanelForm(mixpanelType, 'properties'),
  dataIn: 'data',
  query: ['verbose'],
  prefix: "`path: '/ingest'` beside `host`; mixpanel-browser has it in `api_host`",
  body: 'JSON; a form with `data` in base64 or JSON; or `data` in the query of a GET',
  types:
    'Everything for `/engage` is identify, everything for `/groups` group. Elsewhere `$identify` is identify, `$create_alias` and `$merge` are alias, and what has no `event` is a profile: identify, or group where it has a `$group_key`; every other event is track. The name is `event`; an event whose name is empty or no text is refused with `invalid_event`.',
  answers: {
    words: '`1`, or `{ "status": 1 }` where it asks for `verbose`',
    success: (_, request) =>
      isAsked(request, 'verbose')
        ? { body: '{"error":null,"status":1}' }
        : { body: '1', type: 'text/plain; charset=utf-8' },
    refusal: (problem, request) =>
      isAsked(request, 'verbose') ? { ...problem, status: 0, error: problem.detail } : problem,
  },
  loses:
    'mixpanel 0.24 tries once, whatever the answer. Anything but `1` is an error for the callback, and the events are lost unless the caller sends them again.',
}

type EventFields = Readonly<Record<string, unknown>>

/**
 * @param typeOf its API goes by the path, so a profile stays one whatever else it holds
 * @param homeOfKey where its API looks for the key
 */
function mixpanelForm(
  typeOf: (event: EventFields) => string | null,
  homeOfKey: '$token' | 'properties',
): SenderBodyForm {
  return createBodyForm({
    batchFields: ['batch'],
    keyFields: ['$token', 'token'],
    tokenIn: 'properties',
    homeOfKey: () => homeOfKey,
    describe(event) {
      const { properties } = event as { properties?: Record<string, unknown> }
      const id =
        typeof properties === 'object' && properties !== null ? textOf(properties, '$insert_id') : undefined
      return { type: typeOf(event), ...messageId(event, id) }
    },
  })
}

const mixpanelTypes: Readonly<Record<string, string>> = {
  $identify: 'identify',
  $create_alias: 'alias',
  $merge: 'alias',
}

function mixpanelType(event: EventFields): string | null {
  if (Object.hasOwn(event, 'event')) return typeByName(textOf(event, 'event'), mixpanelTypes)
  return Object.hasOwn(event, '$group_key') ? 'group' : 'identify'
}

/** Of a path for pages or screens, whatever the event itself says: a contradiction is refused. */
const pageForm = createPageForm('batch', () => true)
const mixedForm = createPageForm('batch', (type) => type === 'page' || type === 'screen')

const jitsuTypes = ['track', 'identify', 'page', 'screen', 'group', 'alias'] as const

const jitsu: Sender = {
  name: 'jitsu',
  title: 'Jitsu',
  packages: ['@jitsu/js 1.11'],
  methods: ['POST'],
  routes: ['/api/s', '/api/s/s2s'].flatMap((path) => [
    ...jitsuTypes.map((type) => ({
      path: `${path}/${type}`,
      eventType: type,
      ...((type === 'page' || type === 'screen') && { form: pageForm }),
    })),
    ...batches(`${path}/event`, `${path}/batch`).map((route) => ({ ...route, form: mixedForm })),
  ]),
  credentials: Object.freeze([jitsuSecret, 'header', 'basic', 'query']),
  keyHeader: 'x-write-key',
  keyIn:
    '`X-Write-Key`, as `anything:KEY`, because the SDK requires a colon in the key; `?writekey=`; or Basic',
  batchFields: Object.freeze(['batch']),
  prefix: "`host: 'https://example.com/ingest'`",
  body: 'JSON: one event, or a batch',
  types:
    'The path says the type. The name is `event` of a track call. Of a page or screen call it is `name`, or else `name` of its `properties`, where the SDK puts it; handlers also find it as `name`.',
  answers: {
    words: '`{ "ok": true }`',
    success: ({ rejected }) => ({
      body: JSON.stringify({ ok: true, ...(rejected.length > 0 && { rejected }) }),
    }),
  },
  loses:
    '@jitsu/js 1.11 tries once, whatever the answer, and the event is lost. `errorPolicy` says whether it logs, throws or calls a function.',
}

/** The part after the colon. Without a colon the header holds the key alone. */
function jitsuSecret({ headers }: CredentialRequest): string | undefined {
  const value = headers['x-write-key']
  return typeof value === 'string' && value.includes(':') ? value.slice(value.indexOf(':') + 1) : undefined
}

/** Senders that an API serves only when it names them. */
export const moreSenders: Readonly<
  Record<Exclude<SenderName, 'segment' | 'rudderstack' | 'customerio' | 'inngest'>, Sender>
> = { posthog, amplitude, mixpanel, jitsu }

import { createBodyForm, messageId, textOf, typeByName } from '../body-form.ts'
import type { Problem } from '../own-answers.ts'
import { batchRoutes, type Sender } from '../sender.ts'

const amplitudeTypes: Readonly<Record<string, string>> = { $identify: 'identify', $groupidentify: 'group' }

export const amplitude: Sender = {
  name: 'amplitude',
  title: 'Amplitude',
  packages: ['@amplitude/analytics-node 1.5'],
  methods: ['POST'],
  routes: batchRoutes('/2/httpapi', '/batch'),
  credentials: Object.freeze(['basic', 'body']),
  keyIn: '`api_key` of the body. Or Basic, which then counts alone',
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

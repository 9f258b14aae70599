import { gzipSync } from 'node:zlib'

export interface NeighbourRequest {
  path?: string
  method?: string
  headers?: Record<string, string>
  body?: string | Uint8Array | (() => ReadableStream<Uint8Array>)
  /** Sent instead of the good key. */
  key?: string
  /** What every app answers. */
  status: number | readonly number[]
  /** What handlers get, as events and as the body. Nothing: no handler runs. */
  events?: readonly unknown[]
  handledBody?: unknown
}

const event = { type: 'track', event: 'Signed Up', properties: { plan: 'a&b=c', n: 1 } }
const json = JSON.stringify(event)
const batch = { batch: [event, { ...event, event: 'Paid' }], sentAt: '2026-01-01T00:00:00Z' }
const handled = { status: 200, events: [event], handledBody: event } as const
const handledBatch = { status: 200, events: batch.batch, handledBody: batch } as const
const form = { 'content-type': 'application/x-www-form-urlencoded' }
const boundary = 'xyz'
const upload = `--${boundary}\r\nContent-Disposition: form-data; name="type"\r\n\r\ntrack\r\n--${boundary}--\r\n`

/** What senders send, rightly and wrongly labelled, and what an app with nothing around us answers. */
const table = {
  JSON: { headers: { 'content-type': 'application/json' }, body: json, ...handled },
  'JSON in chunks': {
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: () => new Blob([json]).stream() as ReadableStream<Uint8Array>,
    ...handled,
  },
  'JSON without a type': { body: new TextEncoder().encode(json), ...handled },
  'JSON as text': { headers: { 'content-type': 'text/plain;charset=UTF-8' }, body: json, ...handled },
  'JSON as a form (curl -d)': { headers: form, body: json, ...handled },
  'JSON as an upload': {
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
    body: json,
    ...handled,
  },
  'gzip as a form (RudderStack)': {
    path: '/v1/batch',
    headers: { ...form, 'content-encoding': 'gzip' },
    body: gzipSync(JSON.stringify(batch)),
    ...handledBatch,
  },
  'gzip in chunks': {
    path: '/v1/batch',
    headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
    body: () => new Blob([gzipSync(JSON.stringify(batch))]).stream() as ReadableStream<Uint8Array>,
    ...handledBatch,
  },
  'a large batch': {
    path: '/v1/batch',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ batch: Array.from({ length: 200 }, () => event), pad: 'x'.repeat(60_000) }),
    status: 200,
    events: Array.from({ length: 200 }, () => event),
  },
  'a form': { headers: form, body: 'type=track&event=Signed+Up', status: 400 },
  'an upload': {
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
    body: upload,
    status: 400,
  },
  'no JSON': { headers: { 'content-type': 'application/json' }, body: '{"type":', status: 400 },
  'no body': { headers: { 'content-type': 'application/json' }, body: '', status: 400 },
  'a wrong key': {
    headers: { 'content-type': 'application/json' },
    body: json,
    key: 'sk_live_nonsense',
    status: 401,
  },
  GET: { method: 'GET', status: 200, events: [] },
} satisfies Record<string, NeighbourRequest>

export type RequestName = keyof typeof table
export const requests: Readonly<Record<RequestName, NeighbourRequest>> = table

export const everyRequest: readonly RequestName[] = Object.keys(table) as RequestName[]
/** For what leaves bodies alone. */
export const fewRequests: readonly RequestName[] = [
  'JSON',
  'JSON as a form (curl -d)',
  'gzip in chunks',
  'a form',
  'a wrong key',
  'GET',
]

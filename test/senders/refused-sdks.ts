import { createInstance } from '@amplitude/analytics-node'
import { jitsuAnalytics } from '@jitsu/js'
import RudderStack from '@rudderstack/rudder-sdk-node'
import Mixpanel from 'mixpanel'
import { PostHog } from 'posthog-node'
import { ingestRoutes } from '../../adapters/node.ts'
import { createWriteKeys, type IngestEvent, type RateLimiter } from '../../src/index.ts'
import { createIngestApi, type SenderName } from '../../src/ingest/index.ts'
import { generateSecret } from '../../src/keys/secret.ts'
import { serve } from '../neighbours/served.ts'
import { type CreateSdk, sdks } from './published-sdks.ts'

/** Statuses that senders are refused with. */
export const refusals = [400, 401, 403, 413, 429, 503] as const
export type Refusal = (typeof refusals)[number]

/** An SDK, and what it does with events that are refused, as a run of it has shown. */
export interface RefusedSdk {
  readonly name: string
  readonly create: CreateSdk
  /** What to set on its side, in words. */
  readonly set: string
  /** On ours: what `senders` has to name. */
  readonly sender: SenderName
  /** How often it sends what is refused so, in all; what is not listed here it sends once, and drops. */
  readonly tries: Readonly<Partial<Record<Refusal, number>>>
  /** How long it keeps events that it sends again, in words. */
  readonly keeps: string
}

function published(name: string): CreateSdk {
  return (sdks.find(([one]) => one === name) as (typeof sdks)[number])[1]
}

const segmentSet = '`{ writeKey, host: URL }`'

/** In the settings that SDKs have by themselves, but for shorter intervals between batches. */
export const refusedSdks: readonly RefusedSdk[] = [
  {
    name: '@segment/analytics-node 3.1',
    create: published('@segment/analytics-node 3.1'),
    set: segmentSet,
    sender: 'segment',
    tries: { 429: 31, 503: 11 },
    keeps: '429: `Retry-After` between tries, 31 of them; 503: pauses that double up to a minute, 11 tries',
  },
  {
    name: '@segment/analytics-node 2.3',
    create: published('@segment/analytics-node 2.3'),
    set: segmentSet,
    sender: 'segment',
    tries: { 401: 4, 403: 4, 413: 4, 429: 4, 503: 4 },
    keeps: '1.5 s, whatever `Retry-After` says',
  },
  {
    name: 'analytics-node 6.2',
    create: published('analytics-node 6.2'),
    set: '`new Analytics(KEY, { host: URL })`',
    sender: 'segment',
    tries: { 429: 4, 503: 4 },
    keeps: '2 s, whatever `Retry-After` says',
  },
  {
    name: '@rudderstack/rudder-sdk-node 3.0',
    create(key, dataPlaneUrl) {
      // Without a handler a batch that is given up becomes a rejection that nobody handles.
      const sdk = new RudderStack(key, { dataPlaneUrl, flushAt: 3, flushInterval: 50, errorHandler() {} })
      return { track: (event) => sdk.track({ userId: '1', event }), flush: () => sdk.flush() }
    },
    set: '`new RudderAnalytics(KEY, { dataPlaneUrl: URL })`',
    sender: 'rudderstack',
    tries: { 429: 4, 503: 4 },
    keeps: '`Retry-After` between tries, 4 of them: 17 s on our 503',
  },
  {
    name: '@customerio/cdp-analytics-node 0.5',
    create: published('@customerio/cdp-analytics-node 0.5'),
    set: segmentSet,
    sender: 'customerio',
    tries: { 401: 4, 403: 4, 413: 4, 429: 4, 503: 4 },
    keeps: '1.5 s, whatever `Retry-After` says',
  },
  {
    name: 'posthog-node 5.70',
    create(key, host) {
      const sdk = new PostHog(key, { host, flushAt: 3, flushInterval: 50 })
      return {
        track: (event) => sdk.capture({ distinctId: '1', event }),
        flush: () => sdk.flush().catch(() => {}),
      }
    },
    set: '`new PostHog(KEY, { host: URL })`',
    sender: 'posthog',
    tries: { 429: 4, 503: 4 },
    keeps: '9 s, whatever `Retry-After` says; on 413 it sends the batch in halves',
  },
  {
    name: '@amplitude/analytics-node 1.5',
    create(key, url) {
      const sdk = createInstance()
      sdk.init(key, {
        serverUrl: `${url}/2/httpapi`,
        flushQueueSize: 3,
        flushIntervalMillis: 50,
        logLevel: 0,
      })
      return { track: (event) => void sdk.track(event, {}, { user_id: 'user 1' }), flush: async () => {} }
    },
    set: '`init(KEY, { serverUrl: URL + "/2/httpapi" })`',
    sender: 'amplitude',
    tries: { 429: 12, 503: 12 },
    keeps:
      '429: 12 tries, `flushIntervalMillis` (10 s) apart, 30 s if `Retry-After` is more than 10 s; 503: 12 tries in about a minute, with pauses that grow by 1 s. `flush()` sends once. On 413 it sends the batch in halves; on 400 or 403 it drops the events that are named and sends the others again',
  },
  {
    name: 'mixpanel 0.24',
    create(key, url) {
      const { hostname: host, port } = new URL(url)
      const sdk = Mixpanel.init(key, { host, port: Number(port), protocol: 'http' } as never)
      return { track: (event) => sdk.track(event, { distinct_id: '1' }, () => {}), flush: async () => {} }
    },
    set: '`init(KEY, { host, port, path })`',
    sender: 'mixpanel',
    tries: {},
    keeps: 'not at all: the callback gets an error, and may send again',
  },
  {
    name: '@jitsu/js 1.11',
    create(key, host) {
      const sdk = jitsuAnalytics({ host, writeKey: `key:${key}`, s2s: true, errorPolicy: () => {} })
      return { track: (event) => void sdk.track(event), flush: async () => {} }
    },
    set: '`jitsuAnalytics({ host: URL, writeKey: "any:KEY", s2s: true })`',
    sender: 'jitsu',
    tries: {},
    keeps: 'not at all: `errorPolicy` says whether it logs or throws',
  },
]

const noRoom: RateLimiter = {
  consume: () => ({ allowed: false, remaining: 0, retryAfterMs: 1_000, resetMs: 1_000 }),
  refund() {},
  close() {},
}

/** Endpoints that refuse everything with one status, and when each request came, in milliseconds from the first. */
export async function startRefusing(status: Refusal) {
  const keys = createWriteKeys({
    logger: false,
    ...(status === 413 && { maxBodyBytes: 32 }),
    ...(status === 429 && { limiter: noRoom }),
  })
  const made = await keys.create({
    name: 'Sender',
    sourceType: 'server',
    rateLimitEps: 1_000,
    ...(status === 403 && { allowedEventTypes: ['alias'] }),
  })
  const key = status === 401 ? generateSecret('sk_live_') : made.key
  const routes = ingestRoutes(
    createIngestApi<IngestEvent>(keys, {
      senders: ['segment', 'rudderstack', 'customerio', 'posthog', 'amplitude', 'mixpanel', 'jitsu'],
      onEvents() {
        throw Object.assign(new Error('refused'), status === 400 && { status: 400 })
      },
    }),
  )
  const statuses = new Set<number>()
  const times: number[] = []
  const { url, close } = await serve((request, response) => {
    times.push(Date.now())
    response.on('finish', () => statuses.add(response.statusCode))
    routes(request, response)
  })
  return {
    key,
    url,
    statuses,
    times: () => times.map((time) => time - (times[0] as number)),
    close() {
      close()
      return keys.close()
    },
  }
}

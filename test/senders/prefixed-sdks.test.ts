import { createInstance } from '@amplitude/analytics-node'
import { Analytics as CustomerIo } from '@customerio/cdp-analytics-node'
import { jitsuAnalytics } from '@jitsu/js'
import RudderStack from '@rudderstack/rudder-sdk-node'
import { Analytics as Segment3 } from '@segment/analytics-node'
import { Analytics as Segment2 } from 'analytics-node-2'
import Mixpanel from 'mixpanel'
import { PostHog } from 'posthog-node'
import { expect, it, onTestFinished, vi } from 'vitest'
import type { SenderName } from '../../src/ingest/index.ts'
import { load } from '../neighbours/neighbour.ts'
import { describeWithService } from '../services.ts'
import { createInngest } from './published-sdks.ts'
import { startExpress } from './sdk-targets.ts'

const tracked = { userId: '1', event: 'Signed Up' }

/** Sends one event to endpoints below `/ingest`, with the settings that docs/senders.md names. */
type Send = (key: string, host: string) => unknown

const sdks: readonly (readonly [name: string, sender: SenderName, send: Send])[] = [
  [
    '@segment/analytics-node 3.1',
    'segment',
    (writeKey, host) => new Segment3({ writeKey, host, path: '/ingest/v1/batch', flushAt: 1 }).track(tracked),
  ],
  [
    '@segment/analytics-node 2.3',
    'segment',
    (writeKey, host) => new Segment2({ writeKey, host, path: '/ingest/v1/batch', flushAt: 1 }).track(tracked),
  ],
  [
    'analytics-node 6.2',
    'segment',
    (key, host) => new (load('analytics-node'))(key, { host: `${host}/ingest`, flushAt: 1 }).track(tracked),
  ],
  [
    '@rudderstack/rudder-sdk-node 3.0',
    'rudderstack',
    (key, host) => new RudderStack(key, { dataPlaneUrl: `${host}/ingest`, flushAt: 1 }).track(tracked),
  ],
  [
    '@customerio/cdp-analytics-node 0.5',
    'customerio',
    (writeKey, host) =>
      new CustomerIo({ writeKey, host, path: '/ingest/v1/batch', maxEventsInBatch: 1 }).track(tracked),
  ],
  [
    'posthog-node 5.70',
    'posthog',
    (key, host) =>
      new PostHog(key, { host: `${host}/ingest`, flushAt: 1 }).capture({
        distinctId: '1',
        event: 'Signed Up',
      }),
  ],
  [
    '@amplitude/analytics-node 1.5',
    'amplitude',
    async (key, host) => {
      const sdk = createInstance()
      const serverUrl = `${host}/ingest/2/httpapi`
      await sdk.init(key, { serverUrl, flushQueueSize: 1, flushIntervalMillis: 50 }).promise
      sdk.track('Signed Up', {}, { user_id: 'user 1' })
    },
  ],
  [
    'mixpanel 0.24',
    'mixpanel',
    (key, url) => {
      const { hostname: host, port } = new URL(url)
      const settings = { host, port: Number(port), protocol: 'http', path: '/ingest' }
      Mixpanel.init(key, settings as never).track('Signed Up', { distinct_id: '1' })
    },
  ],
  [
    '@jitsu/js 1.11',
    'jitsu',
    (key, host) =>
      jitsuAnalytics({ host: `${host}/ingest`, writeKey: `key:${key}`, s2s: true }).track('Signed Up'),
  ],
]

async function startBelow(sender: SenderName) {
  const target = await startExpress({ refuses: false, at: '/ingest', senders: [sender] })
  onTestFinished(target.close)
  return target
}

it.each(sdks)('%s sends to endpoints below a prefix', async (_, sender, send) => {
  const { key, url, arrived, statuses } = await startBelow(sender)
  await send(key, url)
  await vi.waitFor(() => expect(statuses).not.toEqual([]), { timeout: 15_000 })
  expect([arrived, statuses]).toEqual([[['Signed Up']], [200]])
})

describeWithService('inngest', 'the SDK of Inngest', (folder) => {
  it('sends to endpoints below a prefix', async () => {
    const { key, url, arrived, statuses } = await startBelow('inngest')
    await createInngest(folder, key, `${url}/ingest/`).send({ name: 'Signed Up', data: {} })
    expect([arrived, statuses]).toEqual([[['Signed Up']], [200]])
  })
})

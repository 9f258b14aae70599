import { gzipSync } from 'node:zlib'
import { Analytics } from '@segment/analytics-node'
import { afterEach, expect, it } from 'vitest'
import { basic } from '../../src/testing/adapter/golden/golden-request.ts'
import type { AdapterConfig, AdapterServer } from './adapter-contract.ts'

/** What installed senders send gets through to handlers, in each framework's usual set-up and in each adapter's. */
export function realSenders(
  launch: (config: Partial<AdapterConfig>) => Promise<AdapterServer>,
  closeAll: () => Promise<void>,
): void {
  afterEach(closeAll)

  async function launchWithKey(config: Partial<AdapterConfig> = {}) {
    const server = await launch(config)
    const { key } = await server.keys.create({ name: 'Sender', sourceType: 'server', rateLimitEps: 500 })
    return { ...server, key }
  }

  it.each([true, false])(
    'takes the batches of @segment/analytics-node 3.1 (parsed before: %s)',
    async (parsesBody) => {
      const { url, key, handled } = await launchWithKey({ parsesBody })
      const failures: unknown[] = []
      const analytics = new Analytics({
        writeKey: key,
        host: url,
        flushAt: 3,
        flushInterval: 100,
        maxRetries: 0,
      })
      analytics.on('error', (failure) => failures.push(failure))
      for (let count = 0; count < 7; count++) {
        analytics.track({ userId: '42', event: 'Signed Up', properties: { count } })
      }
      analytics.identify({ userId: '42', traits: { plan: 'pro' } })
      await analytics.closeAndFlush()
      expect(failures).toEqual([])
      const events = handled().flatMap((request) => request.events) as { type: string; messageId: string }[]
      expect(events.map(({ type }) => type).toSorted()).toEqual(['identify', ...Array(7).fill('track')])
      expect(new Set(events.map(({ messageId }) => messageId)).size).toBe(8)
      expect(JSON.stringify(handled())).not.toContain(key)
    },
  )

  it('tells @segment/analytics-node 3.1 of a wrong key', async () => {
    const { url, key, handled } = await launchWithKey()
    const failures: unknown[] = []
    const analytics = new Analytics({
      writeKey: `${key.slice(0, -1)}-`,
      host: url,
      flushAt: 1,
      maxRetries: 0,
    })
    analytics.on('error', (failure) => failures.push(failure))
    analytics.track({ userId: '42', event: 'Signed Up' })
    await analytics.closeAndFlush()
    expect(failures).toMatchObject([{ code: 'delivery_failure' }])
    expect(handled()).toEqual([])
  })

  it('takes the batches of the RudderStack SDK for Node, gzipped and labelled as a form', async () => {
    const { url, key, handled } = await launchWithKey()
    const batch = Array.from({ length: 20 }, (_, index) => ({
      type: 'track',
      event: 'Order & Refund = 100 %',
      userId: `user-${index}`,
      messageId: `message-${index}`,
      originalTimestamp: '2026-01-15T12:00:00.000Z',
    }))
    const answer = await fetch(`${url}/v1/batch`, {
      method: 'POST',
      headers: {
        accept: 'application/json, text/plain, */*',
        'content-type': 'application/x-www-form-urlencoded',
        'content-encoding': 'gzip',
        authorization: basic(key),
        'user-agent': 'analytics-node/3.0.13',
      },
      body: gzipSync(
        JSON.stringify({ batch, timestamp: '2026-01-15T12:00:00.000Z', sentAt: '2026-01-15T12:00:00.000Z' }),
      ),
    })
    expect(answer.status).toBe(200)
    expect(handled()).toMatchObject([{ events: batch, body: { batch } }])
  })

  it('takes what a browser beacon sends as text', async () => {
    const { url, key, handled } = await launchWithKey({ options: { credentials: ['basic', 'query'] } })
    const event = { type: 'track', event: 'Left' }
    const answer = await fetch(`${url}/v1/track?writeKey=${key}`, {
      method: 'POST',
      headers: { 'content-type': 'text/plain;charset=UTF-8', origin: 'https://app.example.com' },
      body: JSON.stringify(event),
    })
    expect(answer.status).toBe(200)
    expect(answer.headers.get('access-control-allow-origin')).toBe('*')
    expect(handled()).toMatchObject([{ events: [event] }])
  })
}

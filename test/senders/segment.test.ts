import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Analytics as Analytics3 } from '@segment/analytics-node'
import { Analytics as Analytics2 } from 'analytics-node-2'
import express from 'express'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { writeKeyAuth, writeKeyOf } from '../../adapters/express.ts'
import {
  createMemoryStore,
  createWriteKeys,
  type IngestEvent,
  type WriteKeyEvent,
  type WriteKeys,
} from '../../src/index.ts'

type AnalyticsSettings = ConstructorParameters<typeof Analytics3>[0]

const sdks = [
  { version: '3.1', Analytics: Analytics3, presents: 'Basic' },
  // Sends its key in the body only, as every release from 2.0 to 3.0 does.
  { version: '2.3', Analytics: Analytics2 as unknown as typeof Analytics3, presents: 'body' },
]

describe.each(sdks)('@segment/analytics-node $version', ({ Analytics, presents }) => {
  let keys: WriteKeys
  let server: Server
  let decisions: WriteKeyEvent[]
  let arrived: IngestEvent[]
  let bodies: unknown[]
  let closing: (() => Promise<unknown>)[]
  /** Lookups that fail before the store works again. */
  let outages: number

  beforeEach(async () => {
    decisions = []
    arrived = []
    bodies = []
    closing = []
    outages = 0
    const store = createMemoryStore()
    keys = createWriteKeys({
      store: {
        ...store,
        async poll(question) {
          if (outages-- > 0) throw new Error('the store is away')
          return await store.poll(question)
        },
      },
      credentials: presents === 'body' ? ['basic', 'body'] : ['basic'],
      onEvent: (event) => decisions.push(event),
    })
    const app = express()
    app.use('/v1', writeKeyAuth(keys), (req, res) => {
      arrived.push(...writeKeyOf(req).events)
      bodies.push(req.body)
      res.json({ success: true })
    })
    server = createServer(app).listen(0, '127.0.0.1')
    await once(server, 'listening')
  })

  afterEach(async () => {
    await Promise.all(closing.map((close) => close()))
    server.closeAllConnections()
    server.close()
    await keys.close()
  })

  function createSender(writeKey: string, settings: Partial<AnalyticsSettings> = {}) {
    const { port } = server.address() as AddressInfo
    const analytics = new Analytics({ writeKey, host: `http://127.0.0.1:${port}`, flushAt: 1, ...settings })
    const failures: string[] = []
    analytics.on('error', (error) => failures.push(String((error.reason as Error)?.message ?? error.reason)))
    closing.push(() => analytics.closeAndFlush({ timeout: 1_000 }))
    return { analytics, failures }
  }

  const create = async (rateLimitEps: number | null = null) =>
    await keys.create({ name: 'Backend', sourceType: 'server', rateLimitEps })
  const told = new Set(['accepted', 'refused', 'grace_used', 'store_error', 'store_recovered'])
  /** Decisions, and what became of the store. */
  const reasons = () =>
    decisions
      .filter(({ type }) => told.has(type))
      .map((event) => (event.type === 'refused' ? event.reason : event.type))

  it('delivers each kind of call once', async () => {
    const { key } = await create()
    const { analytics, failures } = createSender(key, { flushAt: 6 })
    analytics.track({ userId: 'u1', event: 'Signed Up', properties: { plan: 'pro' } })
    analytics.identify({ userId: 'u1', traits: { email: 'u1@example.com' } })
    analytics.page({ userId: 'u1', name: 'Home' })
    analytics.screen({ userId: 'u1', name: 'Main' })
    analytics.group({ userId: 'u1', groupId: 'g1' })
    analytics.alias({ userId: 'u1', previousId: 'a1' })
    await analytics.closeAndFlush()
    expect(failures).toEqual([])
    expect(arrived).toMatchObject([
      { type: 'track', event: 'Signed Up', userId: 'u1', properties: { plan: 'pro' } },
      { type: 'identify', traits: { email: 'u1@example.com' } },
      { type: 'page', name: 'Home' },
      { type: 'screen', name: 'Main' },
      { type: 'group', groupId: 'g1' },
      { type: 'alias', previousId: 'a1' },
    ])
    expect(reasons()).toEqual(['accepted'])
    expect(JSON.stringify([arrived, bodies])).not.toContain(key)
  })

  it('delivers a flush of 100 once each', async () => {
    const { key } = await create()
    const { analytics, failures } = createSender(key, { flushAt: 15 })
    for (let count = 0; count < 100; count++) analytics.track({ userId: 'u1', event: `Event ${count}` })
    await analytics.closeAndFlush()
    expect(failures).toEqual([])
    expect(arrived.map((event) => event.event).toSorted()).toEqual(
      Array.from({ length: 100 }, (_, count) => `Event ${count}`).toSorted(),
    )
    expect(new Set(arrived.map((event) => event.messageId)).size).toBe(100)
  })

  it('is told of a revoked key, and gives up', async () => {
    const { key, writeKey } = await create()
    await keys.revoke(writeKey.id)
    // Only 3.1 knows by itself that 401 is final.
    const settings = presents === 'body' ? { maxRetries: 0 } : {}
    const { analytics, failures } = createSender(key, settings)
    const failed = new Promise((resolve) => analytics.once('error', resolve))
    analytics.track({ userId: 'u1', event: 'Signed Up' })
    await failed
    expect(failures).toEqual(['[401] Unauthorized'])
    expect(reasons()).toEqual(['revoked_key'])
    expect(arrived).toEqual([])
  })

  it('is told of a forbidden event type, and gives up', async () => {
    const { key, writeKey } = await create()
    await keys.update(writeKey.id, { allowedEventTypes: ['track'] })
    const { analytics, failures } = createSender(key, presents === 'body' ? { maxRetries: 0 } : {})
    const failed = new Promise((resolve) => analytics.once('error', resolve))
    analytics.identify({ userId: 'u1' })
    await failed
    expect(failures).toEqual(['[403] Forbidden'])
    expect(reasons()).toEqual(['event_type_not_allowed'])
    expect(arrived).toEqual([])
  })

  it('waits as long as a 429 says, and delivers', async () => {
    const { key } = await create(1)
    // Two events at once on a rate of one: nothing more for two seconds.
    const headers = { authorization: `Basic ${btoa(`${key}:`)}` }
    expect((await keys.verify({ method: 'POST', path: '/', headers, body: [{}, {}] })).ok).toBe(true)
    decisions.length = 0
    // 2.3 does not know Retry-After, and comes back at short intervals as often as it may.
    const { analytics, failures } = createSender(key, presents === 'body' ? { maxRetries: 30 } : {})
    await new Promise<void>((resolve) => {
      analytics.track({ userId: 'u1', event: 'late' }, () => resolve())
    })
    expect(failures).toEqual([])
    expect(arrived.map((event) => event.event)).toEqual(['late'])
    expect(reasons().at(0)).toBe('rate_limited')
    expect(reasons().at(-1)).toBe('accepted')
    if (presents === 'Basic') expect(reasons()).toEqual(['rate_limited', 'accepted'])
  })

  it('comes back with the same events after a 503', async () => {
    const { key } = await create()
    const { analytics } = createSender(key)
    outages = 1
    await new Promise<void>((resolve) => analytics.track({ userId: 'u1', event: 'late' }, () => resolve()))
    expect(arrived.map((event) => event.event)).toEqual(['late'])
    expect(reasons()).toEqual(['store_error', 'store_unavailable', 'store_recovered', 'accepted'])
  })

  it('goes on with the earlier secret during its grace, and with the new one', async () => {
    const { key, writeKey } = await create()
    const rotated = await keys.rotate(writeKey.id)
    for (const secret of [key, rotated.key]) {
      const { analytics } = createSender(secret)
      analytics.track({ userId: 'u1', event: 'Signed Up' })
      await analytics.closeAndFlush()
    }
    expect(arrived).toHaveLength(2)
    expect(reasons()).toEqual(['grace_used', 'accepted', 'accepted'])
  })
})

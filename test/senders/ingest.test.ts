import { createServer } from 'node:http'
import RudderStack from '@rudderstack/rudder-sdk-node'
import { Analytics as Analytics3 } from '@segment/analytics-node'
import { Analytics as Analytics2 } from 'analytics-node-2'
import { afterEach, expect, it } from 'vitest'
import { ingestRoutes } from '../../adapters/node.ts'
import { createWriteKeys, type IngestEvent } from '../../src/index.ts'
import { createIngestApi } from '../../src/ingest/index.ts'
import { serve } from '../neighbours/served.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

interface Sdk {
  track(event: { userId: string; event: string }): unknown
  end(): unknown
}

const sdks: [string, (key: string, url: string) => Sdk][] = [
  [
    '@segment/analytics-node 3.1',
    (writeKey, host) => segment(new Analytics3({ writeKey, host, flushAt: 3 })),
  ],
  [
    '@segment/analytics-node 2.3',
    (writeKey, host) => segment(new Analytics2({ writeKey, host, flushAt: 3 }) as unknown as Analytics3),
  ],
  [
    '@rudderstack/rudder-sdk-node 3.0',
    (key, dataPlaneUrl) => {
      const sdk = new RudderStack(key, { dataPlaneUrl, flushAt: 3, flushInterval: 50, logLevel: 'silly' })
      return { track: (event) => sdk.track(event), end: () => sdk.flush() }
    },
  ],
]

function segment(sdk: Pick<Analytics3, 'track' | 'closeAndFlush'>): Sdk {
  return { track: (event) => sdk.track(event), end: () => sdk.closeAndFlush({ timeout: 15_000 }) }
}

it.each(sdks)('%s delivers every event once, with a 429 and a 503 in between', async (_, create) => {
  const keys = createWriteKeys()
  closers.push(() => keys.close())
  const { key } = await keys.create({ name: 'Backend', sourceType: 'server' })
  const arrived: IngestEvent[] = []
  const answers: number[] = []
  let failures = 1
  const routes = ingestRoutes(
    createIngestApi<IngestEvent>(keys, {
      onEvents(events) {
        if (failures-- > 0) throw new Error('the queue is away')
        arrived.push(...events)
      },
    }),
  )
  let limited = 1
  const { url, close } = await serve(
    createServer((request, response) => {
      response.on('finish', () => answers.push(response.statusCode))
      if (limited-- <= 0) return routes(request, response)
      request.resume()
      response.writeHead(429, { 'retry-after': '1' }).end('{}')
    }).listeners('request')[0] as never,
  )
  closers.push(close)
  const sdk = create(key, url)
  const names = Array.from({ length: 7 }, (_, n) => `Event ${n}`)
  for (const event of names) sdk.track({ userId: '1', event })
  await sdk.end()
  await expect.poll(() => arrived.length, { timeout: 15_000 }).toBe(7)
  expect(arrived.map(({ event }) => event).toSorted()).toEqual(names)
  expect(answers).toContain(429)
  expect(answers).toContain(503)
})

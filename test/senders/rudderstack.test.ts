import Analytics from '@rudderstack/rudder-sdk-node'
import express, { type RequestHandler } from 'express'
import { afterEach, describe, expect, it } from 'vitest'
import { writeKeyAuth, writeKeyOf } from '../../adapters/express.ts'
import { createWriteKeys, type IngestEvent } from '../../src/index.ts'
import { load } from '../neighbours/neighbour.ts'
import { serve } from '../neighbours/served.ts'

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

/** An app as it grows: CORS with credentials, sessions, logs and parsers around the endpoint. */
const front: [string, () => RequestHandler[]][] = [
  ['nothing', () => []],
  [
    'CORS, sessions and logs',
    () => [
      load('cors')({ origin: true, credentials: true }),
      load('express-session')({ secret: 's', resave: true, saveUninitialized: true }),
      load('morgan')('combined', { stream: { write: () => true } }),
      express.json(),
    ],
  ],
]

describe.each([true, false])('@rudderstack/rudder-sdk-node, gzip %s', (gzip) => {
  it.each(front)('delivers each event once with %s in front and parsers behind', async (_, make) => {
    const keys = createWriteKeys()
    const arrived: IngestEvent[] = []
    const app = express()
    for (const middleware of make()) app.use(middleware)
    app.use('/v1', writeKeyAuth(keys))
    app.use(express.urlencoded({ extended: true }), express.json())
    app.post('/v1/batch', (req, res) => {
      expect(req.body.batch).toEqual(writeKeyOf(req).events)
      arrived.push(...writeKeyOf(req).events)
      res.json({ success: true })
    })
    const { url, close } = await serve(app)
    closers.push(close, () => void keys.close())
    const { key } = await keys.create({ name: 'Backend', sourceType: 'server' })

    const sdk = new Analytics(key, {
      dataPlaneUrl: url,
      flushAt: 4,
      flushInterval: 50,
      gzip,
      logLevel: 'silly',
    })
    for (let n = 0; n < 10; n++) {
      sdk.track({ userId: '42', event: 'Order & Refund = 100 %', properties: { n, text: 'ä&b=c' } })
    }
    await sdk.flush()
    await expect.poll(() => arrived.length, { timeout: 10_000 }).toBe(10)
    const sent = arrived as unknown as { event: string; properties: { n: number; text: string } }[]
    expect(sent.map(({ properties }) => properties.n).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 10 }, (_, n) => n),
    )
    expect(new Set(sent.map(({ event, properties }) => event + properties.text))).toEqual(
      new Set(['Order & Refund = 100 %ä&b=c']),
    )
  })
})

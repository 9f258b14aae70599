import type { AddressInfo } from 'node:net'
import express from 'express'
import { createMemoryStore, createWriteKeys } from 'writekey'
import { writeKeyAuth, writeKeyOf } from 'writekey/express'
import { prometheus } from 'writekey/metrics'

// With `exactOptionalPropertyTypes`: what an environment variable may hold fits an option.
const unset = process.env.NOBODY_SETS_THIS
const keys = createWriteKeys({
  store: createMemoryStore(),
  environment: unset,
  onEvent: undefined,
  cache: { leaseMs: undefined },
})
const { key, writeKey } = await keys.create({
  name: 'Consumer',
  sourceType: 'server',
  allowedOrigins: undefined,
})
await keys.update(writeKey.id, { name: unset, deniedIps: undefined })
await keys.list({ q: unset, limit: undefined })

const registered: object[] = []
// Neither prom-client nor OpenTelemetry is installed here.
prometheus(keys, {
  registry: { registerMetric: (metric) => registered.push(metric), removeSingleMetric() {} },
  keyId: undefined,
})
if (registered.length === 0) throw new Error('nothing is measured')

const app = express()
app.use('/v1', writeKeyAuth(keys, { eventType: unset }))
app.post('/v1/track', (req, res) => {
  // @ts-expect-error the guard may not have run
  const unsure: readonly unknown[] = req.writeKey.events
  const events: readonly unknown[] = writeKeyOf(req).events
  if (events !== unsure) throw new Error('two contexts')
  res.json({ events: events.length })
})

const server = app.listen(0, '127.0.0.1', () => {
  console.log(JSON.stringify({ port: (server.address() as AddressInfo).port, key }))
})

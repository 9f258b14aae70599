import type { AddressInfo } from 'node:net'
import express from 'express'
import { createMemoryStore, createWriteKeys } from 'writekey'
import { writeKeyAuth, writeKeyOf } from 'writekey/express'
import { measureWithPrometheus } from 'writekey/metrics'

const keys = createWriteKeys({ store: createMemoryStore() })
const { key } = await keys.create({ name: 'Consumer', sourceType: 'server' })

const registered: object[] = []
// Neither prom-client nor OpenTelemetry is installed here.
measureWithPrometheus(keys, {
  registerMetric: (metric) => registered.push(metric),
  removeSingleMetric() {},
})
if (registered.length === 0) throw new Error('nothing is measured')

const app = express()
app.use('/v1', writeKeyAuth(keys))
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

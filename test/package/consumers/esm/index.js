import { createRequire } from 'node:module'
import express from 'express'
import { createMemoryStore, createWriteKeys } from 'writekey'
import { writeKeyAuth } from 'writekey/express'

// Node 20.19 and later give `require` the ES module: an app that uses both has one copy, not two.
const required = createRequire(import.meta.url)('writekey')
if (required.createWriteKeys !== createWriteKeys) throw new Error('require and import gave two copies')

const keys = createWriteKeys({ store: createMemoryStore() })
const { key } = await keys.create({ name: 'Consumer', sourceType: 'server' })

const app = express()
app.use('/v1', writeKeyAuth(keys))
app.post('/v1/track', (req, res) => res.json({ events: req.writeKey.events.length }))

const server = app.listen(0, '127.0.0.1', () => {
  console.log(JSON.stringify({ port: server.address().port, key }))
})

const express = require('express')
const { createMemoryStore, createWriteKeys } = require('writekey')
const { writeKeyAuth } = require('writekey/express')

async function main() {
  const keys = createWriteKeys({ store: createMemoryStore() })
  const { key } = await keys.create({ name: 'Consumer', sourceType: 'server' })

  const app = express()
  app.use('/v1', writeKeyAuth(keys))
  app.post('/v1/track', (req, res) => res.json({ events: req.writeKey.events.length }))

  const server = app.listen(0, '127.0.0.1', () => {
    console.log(JSON.stringify({ port: server.address().port, key }))
  })
}

main()

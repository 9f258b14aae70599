import express from 'express'
import { createMemoryStore, createWriteKeys } from 'writekey'
import { createAdminApi } from 'writekey/admin'
import { adminRoutes, writeKeyAuth } from 'writekey/express'
import { createSqlStore } from 'writekey/sql'

async function main() {
  const keys = createWriteKeys({ store: createMemoryStore() })
  // A rule with a wildcard is checked against a list that is loaded when the first one is saved.
  const { key } = await keys.create({
    name: 'Web',
    sourceType: 'web',
    allowedOrigins: ['https://*.example.com'],
  })
  const app = express()
  app.use('/v1', writeKeyAuth(keys))
  app.post('/v1/track', (req, res) => res.json({ events: req.writeKey.events.length }))
  app.use(
    adminRoutes(createAdminApi(keys, { tokens: [{ name: 'ops', token: 'x'.repeat(32), role: 'viewer' }] })),
  )

  const server = app.listen(0, '127.0.0.1', async () => {
    const url = `http://127.0.0.1:${server.address().port}`
    const authorization = `Basic ${btoa(`${key}:`)}`
    const sent = await fetch(`${url}/v1/track`, {
      method: 'POST',
      headers: { authorization },
      body: '{"event":"x"}',
    })
    const page = await fetch(`${url}/events/write-keys`)
    // Nobody listens there: a driver that was found says so.
    const store = createSqlStore({ url: 'postgres://127.0.0.1:1/none', notifications: false })
    const { code } = await store.migrate().catch((error) => error)
    console.log(JSON.stringify({ sent: await sent.json(), page: page.status, postgres: code }))
    server.close()
    await Promise.all([keys.close(), store.close()])
  })
}

main()

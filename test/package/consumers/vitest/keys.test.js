import { once } from 'node:events'
import express from 'express'
import { expect, test } from 'vitest'
import { createWriteKeys } from 'writekey'
import { writeKeyAuth, writeKeyOf } from 'writekey/express'
import { createSqlStore } from 'writekey/sql'
import { createTestKeys } from 'writekey/testing'

test('tries a handler with a key of its own', async () => {
  const { keys, authorization } = await createTestKeys()
  const app = express()
  app.post('/v1/track', writeKeyAuth(keys), (req, res) => res.json({ events: writeKeyOf(req).events.length }))
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${server.address().port}/v1/track`
  const send = (headers) => fetch(url, { method: 'POST', headers, body: '{"event":"x"}' })
  expect(await (await send({ authorization })).json()).toEqual({ events: 1 })
  expect((await send({})).status).toBe(401)
  server.closeAllConnections()
  server.close()
  await keys.close()
})

test('keeps keys in SQLite', async () => {
  const keys = createWriteKeys({ store: createSqlStore({ url: 'sqlite::memory:' }) })
  const { writeKey } = await keys.create({
    name: 'Consumer',
    sourceType: 'web',
    allowedOrigins: ['https://*.example.com'],
  })
  expect(await keys.get(writeKey.id)).toMatchObject({ name: 'Consumer' })
  await keys.close()
})

// The same app in every runtime that speaks Request and Response.
import { Hono } from 'hono'
import { createMemoryStore, createWriteKeys } from 'writekey'
import { createAdminApi } from 'writekey/admin'
import * as forFetch from 'writekey/fetch'
import * as forHono from 'writekey/hono'
import { forwardEvents } from 'writekey/ingest'

export const token = 'token-of-an-administrator-of-these-keys'

export const serverKey = 'sk_live_of_the_server'

/** @param target where events are forwarded to */
export async function createWebApp(target) {
  const keys = createWriteKeys({ store: createMemoryStore() })
  const allowedOrigins = ['https://*.example.com']
  const { key, writeKey } = await keys.create({ name: 'Web', sourceType: 'web', allowedOrigins })
  const api = createAdminApi(keys, { tokens: [{ name: 'ops', token, role: 'viewer' }] })
  const auth = forFetch.writeKeyAuth(keys)

  const app = new Hono()
  app.use(forHono.adminRoutes(api))
  app.use('/hono/*', forHono.writeKeyAuth(keys))
  app.post('/hono/track', (c) => c.json({ events: c.get('writeKey').events.length }))
  app.all('/fetch/*', (c) => auth(c.req.raw, ({ events }) => Response.json({ events: events.length })))

  const forwarding = { to: target, key: serverKey, timeoutMs: 300, ip: (_, { ip }) => ip, onError() {} }
  const forwarders = {
    '/forwarded': forwardEvents({ ...forwarding, at: '/forwarded' }),
    '/guarded': forwardEvents({ ...forwarding, at: '/guarded', keys }),
  }
  for (const [at, forward] of Object.entries(forwarders)) app.all(`${at}/*`, (c) => forward(c.req.raw, c.env))
  return { app, api, keys, key, writeKey }
}

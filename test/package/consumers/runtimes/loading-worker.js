// Everything is made while the module loads, as the README writes it. Workers then make no random numbers and no requests.
import { Hono } from 'hono'
import { createWriteKeys } from 'writekey'
import { createAdminApi } from 'writekey/admin'
import * as forFetch from 'writekey/fetch'
import * as forHono from 'writekey/hono'
import { token } from './web-app.js'

const keys = createWriteKeys()
const api = createAdminApi(keys, { tokens: [{ name: 'ops', token, role: 'admin' }] })
const auth = forFetch.writeKeyAuth(keys)

const app = new Hono()
app.use(forHono.adminRoutes(api))
app.get('/key', async (c) => c.text((await keys.create({ name: 'Web', sourceType: 'server' })).key))
app.use('/hono/*', forHono.writeKeyAuth(keys))
app.post('/hono/track', (c) => c.json({ events: c.get('writeKey').events.length }))
app.all('/fetch/*', (c) => auth(c.req.raw, ({ events }) => Response.json({ events: events.length })))

export default {
  fetch(request, _, context) {
    context.waitUntil(keys.flush())
    return app.fetch(request)
  },
}

// In a clone: npm ci && npm run build, then node examples/express/server.mjs. In a folder of your own: copy this file and
// send.mjs, npm init -y, npm install writekey express @segment/analytics-node, then node server.mjs.
import { createServer } from 'node:http'
import express from 'express'
import { createWriteKeys } from 'writekey'
import { writeKeyOf } from 'writekey/express'
import { guardListener } from 'writekey/node'

const keys = createWriteKeys()
const { key } = await keys.create({ name: 'Example', sourceType: 'server', rateLimitEps: 100 })

const app = express()
app.post('/v1/:type', (request, response) => {
  for (const event of writeKeyOf(request).events) console.log(JSON.stringify(event))
  response.json({ success: true })
})

const port = Number(process.env.PORT ?? 3000)
// In front of Express: what is refused costs no framework.
createServer(guardListener(app, keys, { path: '/v1' })).listen(port, () => {
  console.log(`Send some events: WRITE_KEY=${key} PORT=${port} node examples/express/send.mjs`)
})

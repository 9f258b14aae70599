import express from 'express'
import { createWriteKeys } from 'writekey'
import { writeKeyAuth } from 'writekey/express'

const keys = createWriteKeys()
const { key } = await keys.create({ name: 'Example', sourceType: 'server', rateLimitEps: 100 })

const app = express()
app.use('/v1', writeKeyAuth(keys))
app.post('/v1/:type', (request, response) => {
  for (const event of request.writeKey.events) console.log(JSON.stringify(event))
  response.json({ success: true })
})

const port = Number(process.env.PORT ?? 3000)
app.listen(port, () => {
  console.log(`Send some events: WRITE_KEY=${key} PORT=${port} node examples/express/send.mjs`)
})

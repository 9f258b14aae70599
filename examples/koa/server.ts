import Router from '@koa/router'
import Koa from 'koa'
import { createWriteKeys } from 'writekey'
import { writeKeyAuth, writeKeyOf } from 'writekey/koa'

const keys = createWriteKeys()
const { key } = await keys.create({ name: 'Web App', sourceType: 'web', rateLimitEps: 500 })

const router = new Router()
// `all`, so that preflights (OPTIONS) get to writeKeyAuth, which answers them.
router.all('/v1/:type', writeKeyAuth(keys), (ctx) => {
  const { name, events } = writeKeyOf(ctx)
  console.log(name, events)
  ctx.body = { success: true, accepted: events.length }
})

const port = Number(process.env.PORT ?? 3000)
const app = new Koa()
app.use(router.routes())
app.listen(port, () => {
  console.log(`curl -u '${key}:' -d '{"event":"Signed Up","userId":"42"}' http://localhost:${port}/v1/track`)
})

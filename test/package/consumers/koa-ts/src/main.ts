import type { AddressInfo } from 'node:net'
import Koa from 'koa'
import { createWriteKeys } from 'writekey'
import { writeKeyAuth, writeKeyOf } from 'writekey/koa'

interface AppState {
  startedAt: number
}

const keys = createWriteKeys()
const { key } = await keys.create({ name: 'Consumer', sourceType: 'server' })

const app = new Koa<AppState>()
app.use((ctx, next) => {
  ctx.state.startedAt = Date.now()
  return next()
})
app.use(writeKeyAuth(keys)).use((ctx) => {
  const tookMs: number = Date.now() - ctx.state.startedAt
  // @ts-expect-error the state of the app is still its own: not just anything
  const wrong: unknown = ctx.state.startdAt
  // @ts-expect-error the guard may not have run
  const unsure: readonly unknown[] = ctx.state.writeKey.events
  if (tookMs < 0 || unsure !== writeKeyOf(ctx).events || wrong !== undefined)
    throw new Error('the clock went back')
  ctx.body = { events: writeKeyOf(ctx).events.length }
})

const server = app.listen(0, '127.0.0.1', () => {
  console.log(JSON.stringify({ port: (server.address() as AddressInfo).port, key }))
})

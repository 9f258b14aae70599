import { createServer } from 'node:http'
import { bodyParser } from '@koa/bodyparser'
import Koa3 from 'koa'
import olderBodyParser from 'koa-bodyparser'
import Koa2 from 'koa2'
import { writeKeyAuth } from '../../adapters/koa.ts'
import { createWriteKeys } from '../../src/index.ts'
import {
  type AdapterConfig,
  type AdapterServer,
  adapterContract,
  type Handled,
} from '../contract/adapter-contract.ts'
import { startServer } from './started-server.ts'

function startOn(Koa: typeof Koa3, parser: () => Koa3.Middleware) {
  return async function start(config: AdapterConfig): Promise<AdapterServer> {
    const keys = createWriteKeys(config.options)
    const handled: Handled[] = []
    const app = new Koa()
    app.silent = true
    if (config.parsesBody) app.use(parser())
    app.use(writeKeyAuth(keys, config.adapter))
    if (config.mountedTwice) app.use(writeKeyAuth(keys, config.adapter))
    app.use((ctx) => {
      const { id, events } = ctx.state[config.adapter.requestProperty ?? 'writeKey']
      handled.push({ writeKeyId: id, events, body: ctx.request.body })
      if (config.handlerThrows) throw new Error('the handler failed')
      ctx.body = { success: true, accepted: events.length }
    })
    return startServer(createServer(app.callback()), keys, handled)
  }
}

adapterContract('Koa 3', startOn(Koa3, bodyParser))
adapterContract('Koa 2', startOn(Koa2 as unknown as typeof Koa3, olderBodyParser))

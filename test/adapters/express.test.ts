import { createServer } from 'node:http'
import express5 from 'express'
import express4 from 'express4'
import { writeKeyAuth } from '../../adapters/express.ts'
import { createWriteKeys } from '../../src/index.ts'
import {
  type AdapterConfig,
  type AdapterServer,
  adapterContract,
  type Handled,
} from '../contract/adapter-contract.ts'
import { startServer } from './started-server.ts'

function startOn(express: typeof express5) {
  return async function start(config: AdapterConfig): Promise<AdapterServer> {
    const keys = createWriteKeys(config.options)
    const handled: Handled[] = []
    const app = express()
    if (config.parsesBody) app.use(express.json())
    app.use('/v1', writeKeyAuth(keys, config.adapter))
    if (config.mountedTwice) app.use('/v1', writeKeyAuth(keys, config.adapter))
    app.use('/v1', (req, res) => {
      const { id, events } = Reflect.get(req, config.adapter.requestProperty ?? 'writeKey')
      handled.push({ writeKeyId: id, events, body: req.body })
      if (config.handlerThrows) throw new Error('the handler failed')
      res.json({ success: true, accepted: events.length })
    })
    return startServer(createServer(app), keys, handled)
  }
}

adapterContract('Express 5', startOn(express5))
adapterContract('Express 4', startOn(express4 as unknown as typeof express5))

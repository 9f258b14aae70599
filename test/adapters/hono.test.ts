import type { Server } from 'node:http'
import { createAdaptorServer } from '@hono/node-server'
import { getConnInfo } from '@hono/node-server/conninfo'
import { Hono } from 'hono'
import { type WriteKeyEnv, writeKeyAuth, writeKeyOf } from '../../adapters/hono.ts'
import { createWriteKeys } from '../../src/index.ts'
import {
  type AdapterConfig,
  type AdapterServer,
  adapterContract,
  type Handled,
} from '../contract/adapter-contract.ts'
import { foldedByUrlParsers } from './folded-targets.ts'
import { startServer } from './started-server.ts'

async function start(config: AdapterConfig): Promise<AdapterServer> {
  const keys = createWriteKeys(config.options)
  const handled: Handled[] = []
  const auth = writeKeyAuth(keys, { ...config.adapter, ip: (c) => getConnInfo(c).remote.address })
  const app = new Hono<WriteKeyEnv>()
  if (config.parsesBody)
    app.use(async (c, next) => {
      await c.req.json().catch(() => {})
      return next()
    })
  app.use('/v1/*', auth)
  if (config.mountedTwice) app.use('/v1/*', auth)
  app.all('/v1/*', async (c) => {
    const { id, events } = writeKeyOf(c)
    const body = c.req.raw.body === null ? undefined : await c.req.json()
    handled.push({ writeKeyId: id, events, body })
    if (config.handlerThrows) throw new Error('the handler failed')
    // Hono names no charset.
    c.header('content-type', 'application/json; charset=utf-8')
    return c.body(JSON.stringify({ success: true, accepted: events.length }))
  })
  app.onError((_, c) => c.text('failed', 500))
  return startServer(createAdaptorServer(app) as Server, keys, handled)
}

adapterContract('Hono', start, { folded: foldedByUrlParsers, ownsConnection: false })

import Fastify from 'fastify'
import { writeKeyAuth } from '../../adapters/fastify.ts'
import { createWriteKeys } from '../../src/index.ts'
import { undecodablePaths } from '../../src/testing/adapter/golden/event-paths.ts'
import {
  type AdapterConfig,
  type AdapterServer,
  adapterContract,
  type Handled,
} from '../contract/adapter-contract.ts'
import { startServer } from './started-server.ts'

async function start(config: AdapterConfig): Promise<AdapterServer> {
  const keys = createWriteKeys(config.options)
  const handled: Handled[] = []
  const app = Fastify()
  app.register(
    async (ingest) => {
      ingest.register(writeKeyAuth(keys, config.adapter))
      if (config.mountedTwice) ingest.register(writeKeyAuth(keys, config.adapter))
      for (const url of ['/', '/*'])
        ingest.all(url, async (request) => {
          const { id, events } = Reflect.get(request, config.adapter.requestProperty ?? 'writeKey')
          handled.push({ writeKeyId: id, events, body: request.body })
          if (config.handlerThrows) throw new Error('the handler failed')
          return { success: true, accepted: events.length }
        })
    },
    { prefix: '/v1' },
  )
  await app.ready()
  return startServer(app.server, keys, handled, () => app.close())
}

const byRouter = Object.fromEntries(
  undecodablePaths.map((path) => [
    `${path} is ambiguous`,
    'the router decodes the path before it chooses a route',
  ]),
)

adapterContract('Fastify', start, { byRouter })

import hapi, { type Plugin } from '@hapi/hapi'
import { createWriteKeys, type WriteKeys } from '../../src/index.ts'
import { undecodablePaths } from '../../src/testing/adapter/golden/event-paths.ts'
import {
  type AdapterConfig,
  type AdapterServer,
  adapterContract,
  type Handled,
} from '../contract/adapter-contract.ts'
import { blockWith, runModule } from '../docs/running-blocks.ts'
import { startServer } from './started-server.ts'

interface HapiAdapter {
  writeKeyAuth(keys: WriteKeys, options: AdapterConfig['adapter']): Plugin<void>
}

/** The worked example, as it stands in the document. */
const example = runModule(blockWith('docs/adapters.md', 'ts', '@hapi/hapi').code) as Promise<unknown>

async function start(config: AdapterConfig): Promise<AdapterServer> {
  const { writeKeyAuth } = (await example) as HapiAdapter
  const keys = createWriteKeys(config.options)
  const handled: Handled[] = []
  const server = hapi.server({ autoListen: false, debug: false })
  await server.register(writeKeyAuth(keys, config.adapter))
  if (config.mountedTwice) await server.register({ ...writeKeyAuth(keys, config.adapter), name: 'again' })
  for (const path of ['/v1', '/v1/{rest*}'])
    server.route({
      method: '*',
      path,
      options: {
        plugins: { writekey: true },
        payload: { parse: false, output: 'stream' },
        // Headers of Hapi's own.
        cache: false,
        response: { ranges: false },
      },
      handler(request) {
        const { id, events } = Reflect.get(request.app, config.adapter.requestProperty ?? 'writeKey')
        handled.push({ writeKeyId: id, events, body: request.payload })
        if (config.handlerThrows) throw new Error('the handler failed')
        return { success: true, accepted: events.length }
      },
    })
  await server.start()
  return startServer(server.listener as import('node:http').Server, keys, handled, () => server.stop())
}

const byRouter = Object.fromEntries(
  undecodablePaths.map((path) => [
    `${path} is ambiguous`,
    'the router decodes the path before it chooses a route',
  ]),
)

adapterContract('Hapi, by the worked example', start, { byRouter, continuesLate: true })

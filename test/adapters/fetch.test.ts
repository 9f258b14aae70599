import type { Server } from 'node:http'
import { createAdaptorServer } from '@hono/node-server'
import { describe, expect, it } from 'vitest'
import { adminRoutes, ingestRoutes, writeKeyAuth } from '../../adapters/fetch.ts'
import { createAdminApi } from '../../src/admin/index.ts'
import { createWriteKeys } from '../../src/index.ts'
import { createIngestApi } from '../../src/ingest/index.ts'
import {
  type AdapterConfig,
  type AdapterServer,
  adapterContract,
  type Handled,
} from '../contract/adapter-contract.ts'
import { foldedByUrlParsers } from './folded-targets.ts'
import { startServer } from './started-server.ts'

/** As frameworks label JSON; `Response.json` names no charset. */
const jsonInUtf8 = { 'content-type': 'application/json; charset=utf-8' }

type NodeContext = { incoming: { socket: { remoteAddress?: string } } }

async function start(config: AdapterConfig): Promise<AdapterServer> {
  const keys = createWriteKeys(config.options)
  const handled: Handled[] = []
  const auth = writeKeyAuth<NodeContext>(keys, {
    ...config.adapter,
    ip: (_, { incoming }) => incoming.socket.remoteAddress,
    onError: () => {},
  })

  async function handle(request: Request): Promise<Response> {
    const { id, events } = Reflect.get(request, config.adapter.requestProperty ?? 'writeKey')
    const body = request.body === null ? undefined : await request.json()
    handled.push({ writeKeyId: id, events, body })
    if (config.handlerThrows) throw new Error('the handler failed')
    return Response.json({ success: true, accepted: events.length }, { headers: jsonInUtf8 })
  }

  const server = createAdaptorServer({
    async fetch(request, context) {
      if (config.parsesBody) await request.clone().text()
      return auth(
        request,
        (_, accepted) =>
          config.mountedTwice
            ? auth(accepted, (__, again) => handle(again), context as NodeContext)
            : handle(accepted),
        context as NodeContext,
      )
    },
  })
  return startServer(server as Server, keys, handled)
}

adapterContract('fetch', start, { folded: foldedByUrlParsers, ownsConnection: false })

describe('writekey/fetch, given something else than a Request', () => {
  it.each([
    [undefined, /takes a web-standard Request, .* and got undefined/],
    [null, /and got null/],
    [{ method: 'POST', headers: {}, url: '/v1/track' }, /and got another object/],
  ])('names the mistake: %j', async (request, message) => {
    const keys = createWriteKeys()
    const given = request as unknown as Request
    await expect(writeKeyAuth(keys)(given, () => new Response())).rejects.toThrow(message)
    await expect(adminRoutes(createAdminApi(keys, { authorize: () => null }))(given)).rejects.toThrow(message)
    await expect(ingestRoutes(createIngestApi(keys, { onEvents() {} }))(given)).rejects.toThrow(message)
  })
})

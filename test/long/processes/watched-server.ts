import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { adminRoutes, guardListener } from '../../../adapters/node.ts'
import { createAdminApi } from '../../../src/admin/index.ts'
import { createWriteKeys } from '../../../src/index.ts'
import { createSqlStore } from '../../../src/stores/sql/index.ts'
import { answerMessages, readOptions } from './messages.ts'

/** An app with guarded endpoints and a management API, one of several on a store. */
const { url, name, token } = readOptions<{ url: string; name: string; token: string }>()
const keys = createWriteKeys({ store: createSqlStore({ url }), activity: { processName: name } })
const admin = adminRoutes(createAdminApi(keys, { tokens: [{ name: 'test', token, role: 'admin' }] }))
const app = guardListener(
  (request, response) => admin(request, response, () => response.end('{"success":true}')),
  keys,
  { path: '/v1' },
)

answerMessages({
  async listen() {
    const server = createServer(app)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  },
  createKey: async () => {
    const { writeKey, key } = await keys.create({ name: 'Web', sourceType: 'web', allowedOrigins: [] })
    return { id: writeKey.id, key }
  },
})

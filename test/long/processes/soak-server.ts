import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { writeKeyAuth, writeKeyOf } from '../../../adapters/express.ts'
import { adminRoutes } from '../../../src/adapter/index.ts'
import { createAdminApi } from '../../../src/admin/index.ts'
import { createWriteKeys } from '../../../src/index.ts'
import { createSqlStore } from '../../../src/stores/sql/index.ts'
import { answerMessages, readOptions } from './messages.ts'

/** An app as one would write it: endpoints behind writekey, the management API, and everything watched. */
interface SoakServerOptions {
  url: string
  token: string
  maxKeys: number
}

const { url, token, maxKeys } = readOptions<SoakServerOptions>()
const seen = { storeErrors: 0 }
const keys = createWriteKeys({
  store: createSqlStore({ url }),
  cache: { maxKeys },
  trustedProxies: 1,
  usage: { flushMs: 1_000 },
  onEvent: (event) => {
    if (event.type === 'store_error') seen.storeErrors++
  },
})
const app = express()
app.use(adminRoutes(createAdminApi(keys, { tokens: [{ name: 'soak', token, role: 'admin' }] })))
app.use('/v1', writeKeyAuth(keys))
app.post('/v1/:type', (request, response) => {
  response.json({ success: true, accepted: writeKeyOf(request).events.length })
})

answerMessages({
  async listen() {
    const server = app.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  },
  /** Bytes in use once garbage is collected. */
  async memory() {
    const { gc } = globalThis as unknown as { gc: () => void }
    for (let pass = 0; pass < 3; pass++) {
      gc()
      await new Promise((resolve) => setImmediate(resolve))
    }
    const { heapUsed, arrayBuffers, rss } = process.memoryUsage()
    return { used: heapUsed + arrayBuffers, rss, ...seen }
  },
})

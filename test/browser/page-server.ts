import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import express from 'express'
import { adminRoutes, writeKeyAuth, writeKeyOf } from '../../adapters/express.ts'
import { type AdminApiOptions, createAdminApi } from '../../src/admin/index.ts'
import { createWriteKeys, type WriteKeysOptions } from '../../src/index.ts'
import { createSqlStore } from '../../src/stores/sql/index.ts'
import { adminToken, viewerToken } from '../admin/admin-calls.ts'
import { ensurePageBuilt } from './built-page.ts'

/** An Express app on SQLite with ingest endpoints and the page, on a free port. */
export async function startPageServer({
  mount = '',
  admin = {},
  ...options
}: { mount?: string; admin?: AdminApiOptions } & WriteKeysOptions = {}) {
  await ensurePageBuilt()
  const folder = mkdtempSync(join(tmpdir(), 'writekey-page-'))
  const store = createSqlStore({ url: `sqlite:${join(folder, 'keys.db')}` })
  const keys = createWriteKeys({ store, ...options })
  const api = createAdminApi(keys, {
    tokens: [
      { name: 'ops', token: adminToken, role: 'admin' },
      { name: 'board', token: viewerToken, role: 'viewer' },
    ],
    ...admin,
  })
  const routes = express.Router()
  routes.use('/v1', writeKeyAuth(keys))
  routes.post('/v1/:type', (request, response) => {
    response.json({ success: true, accepted: writeKeyOf(request).events.length })
  })
  routes.use(adminRoutes(api))
  const app = express()
  app.use(mount === '' ? '/' : mount, routes)
  const server = await listen(app)
  return {
    keys,
    store,
    api,
    origin: server.origin,
    url: `${server.origin}${mount}/events/write-keys`,
    send: (key: string, path: string, body: unknown, headers: Record<string, string> = {}) =>
      fetch(`${server.origin}${mount}${path}`, {
        method: 'POST',
        headers: { authorization: `Basic ${btoa(`${key}:`)}`, ...headers },
        body: JSON.stringify(body),
      }),
    async close() {
      await server.close()
      await keys.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export type PageServer = Awaited<ReturnType<typeof startPageServer>>

/** Serves on a port of the loopback interface; 0 = a free one. */
export async function listen(listener: RequestListener, wantedPort = 0) {
  const server: Server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(wantedPort, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

import { createWriteKeys } from 'writekey'
import { createAdminApi } from 'writekey/admin'
import * as express from 'writekey/express'
import * as fetch from 'writekey/fetch'
import { createIngestApi } from 'writekey/ingest'
import * as node from 'writekey/node'

// With `declaration`: what a module exports has a type that its declarations can name.
export const keys = createWriteKeys({ logger: false })
export const adminApi = createAdminApi(keys, { tokens: [] })
export const ingestApi = createIngestApi(keys, { onEvents() {} })

export const expressGuard = express.writeKeyAuth(keys)
export const expressAdmin = express.adminRoutes(adminApi)
export const expressIngest = express.ingestRoutes(ingestApi)

export const nodeGuard = node.writeKeyAuth(keys)
export const nodeListener = node.guardListener(() => {}, keys, { path: '/v1' })
export const nodeIngest = node.ingestRoutes(ingestApi)

export const fetchGuard = fetch.writeKeyAuth(keys)
export const fetchIngest = fetch.ingestRoutes(ingestApi)

import { createWriteKeys } from 'writekey'
import { createAdminApi } from 'writekey/admin'
import { adminRoutes, ingestRoutes, writeKeyAuth } from 'writekey/fastify'
import { createIngestApi } from 'writekey/ingest'

// With `declaration`: what a module exports has a type that its declarations can name.
export const keys = createWriteKeys()
export const guard = writeKeyAuth(keys)
export const admin = adminRoutes(createAdminApi(keys, { tokens: [] }))
export const ingest = ingestRoutes(createIngestApi(keys, { onEvents() {} }))

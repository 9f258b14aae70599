import { describe, expect, it } from 'vitest'
import { writeKeyAuth } from '../adapters/express.ts'
import { createAdminApi } from '../src/admin/index.ts'
import { createMemoryLimiter, createMemoryStore, createWriteKeys } from '../src/index.ts'
import { createIngestApi } from '../src/ingest/index.ts'
import { createSqlStore } from '../src/stores/sql/index.ts'
import { optionNames } from './docs/options-page.ts'

const store = createMemoryStore()
const base = { store, plans: { free: { rateLimitEps: 5 } } }
const keys = createWriteKeys(base)

const makers: Record<string, (options: object) => unknown> = {
  WriteKeysOptions: (options) => createWriteKeys({ store, ...options }),
  CacheOptions: (cache) => createWriteKeys({ ...base, cache }),
  UsageOptions: (usage) => createWriteKeys({ ...base, usage }),
  ActivityOptions: (activity) => createWriteKeys({ ...base, activity }),
  AnomalyOptions: (anomalies) => createWriteKeys({ ...base, activity: { anomalies } }),
  PlanOptions: (free) => createWriteKeys({ store, plans: { free } }),
  AdapterOptions: (options) => writeKeyAuth(keys, options),
  MemoryLimiterOptions: createMemoryLimiter,
  SqlStoreUrlOptions: (options) => createSqlStore({ url: 'sqlite::memory:', ...options }),
  AdminApiOptions: (options) =>
    createAdminApi(keys, { tokens: [{ name: 'a', role: 'admin', token: 'x'.repeat(40) }], ...options }),
  IngestApiOptions: (options) => createIngestApi(keys, { onEvents: () => undefined, ...options }),
}

/** These are needed, or their `undefined` is a setting or a customer that was not found, and is refused. */
const isNeeded = (option: string) => ['onEvents', 'url', 'tokens', 'pepper', 'workspace'].includes(option)

describe.each(Object.entries(makers))('%s', (name, make) => {
  it.each(optionNames(name).filter((option) => !isNeeded(option)))(
    '%s: undefined is as if it were left out',
    (option) => {
      expect(() => make({ [option]: undefined })).not.toThrow()
    },
  )
})

const everyField = {
  allowedEventTypes: undefined,
  allowedEventNames: undefined,
  deniedEventNames: undefined,
  allowedOrigins: undefined,
  allowedIps: undefined,
  deniedIps: undefined,
  plan: undefined,
  rateLimitEps: undefined,
  senderRateLimitEps: undefined,
  trial: undefined,
  expiresAt: undefined,
  metadata: undefined,
}

it('a key is created as without the fields that are undefined, and an update leaves them', async () => {
  const { writeKey } = await keys.create({
    name: 'Shop',
    sourceType: 'server',
    environment: undefined,
    ...everyField,
  })
  const plain = await keys.create({ name: 'Shop', sourceType: 'server' })
  const { id, createdAt, updatedAt, secrets, ...fields } = writeKey
  expect(plain.writeKey).toMatchObject(fields)
  await keys.update(writeKey.id, { allowedIps: ['192.0.2.0/24'], metadata: { a: 1 } })
  const updated = await keys.update(writeKey.id, { name: 'Till', ...everyField, sourceType: undefined })
  expect(updated).toMatchObject({ name: 'Till', allowedIps: ['192.0.2.0/24'], metadata: { a: 1 } })
})

it('a list and an audit take filters that are undefined', async () => {
  const filters = {
    status: undefined,
    q: undefined,
    limit: undefined,
    cursor: undefined,
  }
  const { data } = await keys.list({ ...filters, sort: undefined, plan: undefined })
  expect(data.length).toBeGreaterThan(0)
  const page = await keys.audit({
    keyId: undefined,
    limit: undefined,
    cursor: undefined,
  })
  expect(page.data.length).toBeGreaterThan(0)
})

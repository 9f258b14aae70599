import { sql } from 'kysely'
import type { Migration } from './migration.ts'
import type { SchemaChange } from './schema-change.ts'

/** Keys, their secrets, usage, the audit log, and the revision. */
export const version1: Migration = {
  version: 1,
  compatibleFrom: 1,
  async up(change) {
    await createKeyTables(change)
    await createUsageTables(change)
    await createAuditTable(change)
    await createRevisionTables(change)
  },
}

async function createKeyTables({ types, createTable }: SchemaChange): Promise<void> {
  const { word, text, name, hash, whole, fraction } = types
  await createTable(
    'keys',
    [
      `id ${word(80)} not null primary key`,
      `name ${name} not null`,
      `name_folded ${name} not null`,
      `source_type ${word(20)} not null`,
      `environment ${word(80)} not null`,
      `status ${word(20)} not null`,
      `rate_limit_eps ${fraction}`,
      `allowed_event_types ${text}`,
      `allowed_event_names ${text}`,
      `denied_event_names ${text}`,
      `allowed_origins ${text}`,
      `allowed_ips ${text}`,
      `denied_ips ${text}`,
      `expires_at ${whole}`,
      `metadata ${text}`,
      `created_at ${whole} not null`,
      `updated_at ${whole} not null`,
      `revoked_at ${whole}`,
      `version ${whole} not null`,
    ],
    [{ name: 'created', columns: 'created_at, id' }],
  )
  await createTable(
    'secrets',
    [
      `id ${word(80)} not null primary key`,
      `key_id ${word(80)} not null`,
      `key_hash ${hash} not null`,
      `start_chars ${word(80)} not null`,
      `position ${whole} not null`,
      `created_at ${whole} not null`,
      `expires_at ${whole}`,
      `last_used_at ${whole}`,
    ],
    [
      { name: 'hash', columns: 'key_hash', unique: true },
      { name: 'key', columns: 'key_id' },
    ],
  )
}

async function createUsageTables({ types, createTable }: SchemaChange): Promise<void> {
  const { word, whole } = types
  await createTable(
    'usage',
    [
      `key_id ${word(80)} not null`,
      `bucket_at ${whole} not null`,
      `kind ${word(20)} not null`,
      `name ${word(100)} not null`,
      `total ${whole} not null`,
      'primary key (key_id, bucket_at, kind, name)',
    ],
    [{ name: 'bucket', columns: 'bucket_at' }],
  )
  await createTable('activity', [
    `key_id ${word(80)} not null primary key`,
    `last_event_at ${whole} not null`,
  ])
}

async function createAuditTable({ types, createTable }: SchemaChange): Promise<void> {
  const { word, text, whole } = types
  await createTable(
    'audit',
    [
      `id ${word(80)} not null primary key`,
      `at ${whole} not null`,
      `action ${word(40)} not null`,
      `actor ${text}`,
      `address ${text}`,
      `key_id ${word(80)}`,
      `fields_before ${text}`,
      `fields_after ${text}`,
    ],
    [
      { name: 'at', columns: 'at, id' },
      { name: 'key', columns: 'key_id, at, id' },
    ],
  )
}

async function createRevisionTables({
  dialect,
  types,
  table,
  createTable,
  write,
}: SchemaChange): Promise<void> {
  const { word, whole } = types
  await createTable('changes', [`revision ${whole} not null primary key`, `key_id ${word(80)} not null`])
  await createTable('leases', [
    `holder ${word(80)} not null primary key`,
    `lease_ms ${whole} not null`,
    `refreshed_at ${whole} not null`,
  ])
  await createTable('meta', [
    `id ${whole} not null primary key`,
    `schema_version ${whole} not null`,
    `revision ${whole} not null`,
    `pruned_revision ${whole} not null`,
  ])
  const first = sql`into ${table('meta')} (id, schema_version, revision, pruned_revision) values (1, 1, 1, 1)`
  await write(
    dialect === 'mysql' ? sql`insert ignore ${first}` : sql`insert ${first} on conflict (id) do nothing`,
  )
}

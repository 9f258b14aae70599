import { type RawBuilder, sql } from 'kysely'
import type { UsageBatch, UsageCount } from '../usage-store.ts'
import type { Database } from './database.ts'

/**
 * Adds a batch in one statement. A transaction of several would keep its locks while the process is frozen between two of
 * them, and the removal of a leaked key would wait for those.
 *
 * The keys come first, then secrets, counts and activity, each in order: as in a change, so that the two never deadlock. A
 * removal waits at its first statement, or has happened. Rows arrive as JSON, since each driver has its own way with arrays.
 */
export function addUsageStatement(
  { tables }: Database,
  keyIds: readonly string[],
  counts: readonly UsageCount[],
  { lastEventAt, lastUsedAt }: UsageBatch,
): RawBuilder<unknown> {
  const events = [...lastEventAt].map(([keyId, at]) => ({ key_id: keyId, at }))
  const uses = [...lastUsedAt].map(([id, { at }]) => ({ id, at }))
  return sql`with living as materialized (
      select id from ${tables.keys} where id in (select jsonb_array_elements_text(${json(keyIds)}))
      order by id for key share
    ), counted as (
      insert into ${tables.usage} as existing (key_id, bucket_at, kind, name, total)
      select "keyId", "bucketAt", kind, name, count
      from jsonb_to_recordset(${json(counts)}) as one ("keyId" text, "bucketAt" bigint, kind text, name text, count bigint)
      join living on living.id = "keyId" order by 1, 2, 3, 4
      on conflict (key_id, bucket_at, kind, name) do update set total = existing.total + excluded.total
    ), active as (
      insert into ${tables.activity} as existing (key_id, last_event_at)
      select key_id, at from jsonb_to_recordset(${json(events)}) as one (key_id text, at bigint)
      join living on living.id = key_id order by 1
      on conflict (key_id) do update set last_event_at = greatest(existing.last_event_at, excluded.last_event_at)
    ), used as materialized (
      select secret.id, at from jsonb_to_recordset(${json(uses)}) as one (id text, at bigint)
      join ${tables.secrets} secret on secret.id = one.id
      where (select count(*) from living) > 0 and (last_used_at is null or last_used_at < at)
      order by 1 for no key update of secret
    )
    update ${tables.secrets} secret set last_used_at = used.at from used where secret.id = used.id`
}

/** Through text, so that no driver takes the parameter for a value to be turned into JSON. */
function json(value: unknown): RawBuilder<unknown> {
  return sql`cast(cast(${JSON.stringify(value)} as text) as jsonb)`
}

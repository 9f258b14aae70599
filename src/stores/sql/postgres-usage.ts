import { type RawBuilder, sql } from 'kysely'
import { type UsageBatch, usageBucketMs } from '../usage-store.ts'
import type { Database } from './database.ts'
import { databaseNow } from './dialect.ts'

/**
 * Adds a batch in one statement. With several statements, a process that is frozen between two of them would
 * keep its locks, and the removal of a leaked key would wait for those.
 *
 * The writer's row comes first: when the same batch arrives twice, the second waits for the first and adds
 * nothing. Then keys, secrets, counts and activity, each in order, as in a change, so that the two never
 * deadlock. A removal either waits at its first statement or has happened. Rows are sent as JSON, because
 * each driver treats arrays in its own way.
 */
export function addUsageStatement(
  { dialect, tables }: Database,
  { writer, number, counts, lastEventAt, lastUsedAt }: UsageBatch,
): RawBuilder<unknown> {
  const events = [...lastEventAt].map(([key_id, at]) => ({ key_id, at }))
  const uses = [...lastUsedAt].map(([id, { at }]) => ({ id, at }))
  const keyIds = new Set([
    ...counts.map(({ keyId }) => keyId),
    ...lastEventAt.keys(),
    ...[...lastUsedAt.values()].map(({ keyId }) => keyId),
  ])
  const now = sql`(select at from moment)`
  return sql`with moment as materialized (
      select ${databaseNow(dialect)} as at
    ), noted as (
      insert into ${tables.usage_writers} as existing (writer, batch, last_at) values (${writer}, ${number}, ${now})
      on conflict (writer) do update set batch = excluded.batch, last_at = excluded.last_at
      where existing.batch < excluded.batch returning writer
    ), living as materialized (
      select id from ${tables.keys} where (select count(*) from noted) > 0
      and id in (select jsonb_array_elements_text(${json([...keyIds])})) order by id for key share
    ), counted as (
      insert into ${tables.usage} as existing (key_id, bucket_at, kind, name, total)
      select "keyId", least("bucketAt", ${now} - ${now} % ${sql.lit(usageBucketMs)}), kind, name, cast(sum(count) as bigint)
      from jsonb_to_recordset(${json(counts)}) as one ("keyId" text, "bucketAt" bigint, kind text, name text, count bigint)
      join living on living.id = "keyId" group by 1, 2, 3, 4 order by 1, 2, 3, 4
      on conflict (key_id, bucket_at, kind, name) do update set total = existing.total + excluded.total
    ), active as (
      insert into ${tables.activity} as existing (key_id, last_event_at)
      select key_id, least(at, ${now}) from jsonb_to_recordset(${json(events)}) as one (key_id text, at bigint)
      join living on living.id = key_id order by 1
      on conflict (key_id) do update set last_event_at = excluded.last_event_at
      where existing.last_event_at < excluded.last_event_at or existing.last_event_at > ${now}
    ), used as materialized (
      select secret.id, least(at, ${now}) as at from jsonb_to_recordset(${json(uses)}) as one (id text, at bigint)
      join ${tables.secrets} secret on secret.id = one.id
      where (select count(*) from living) > 0
      and (last_used_at is null or last_used_at < least(at, ${now}) or last_used_at > ${now})
      order by 1 for no key update of secret
    )
    update ${tables.secrets} secret set last_used_at = used.at from used where secret.id = used.id`
}

/** Cast from text, so that no driver converts the parameter to JSON again. */
function json(value: unknown): RawBuilder<unknown> {
  return sql`cast(cast(${JSON.stringify(value)} as text) as jsonb)`
}

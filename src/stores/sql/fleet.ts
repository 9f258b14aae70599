import { type RawBuilder, sql } from 'kysely'
import {
  claimLifeMs,
  type DecisionPage,
  type FleetStore,
  keptInAll,
  keptOfSender,
  keptPages,
  keptSightings,
  pageLifeMs,
  type Sighting,
  type SightingQuery,
  type StoredSighting,
} from '../fleet-store.ts'
import { type NumberCell, toText } from './cells.ts'
import { type Database, read, transact, writeAtOnce } from './database.ts'
import { databaseNow, insertInto, onConflict, type SqlDialect, textColumn, wholeNumber } from './dialect.ts'
import type { PresentTime } from './present-time.ts'
import type { Row } from './table-columns.ts'

const hourMs = 3_600_000
const rowsPerStatement = 200

/**
 * What processes tell each other about traffic, in an SQL database. `onDatabase` runs work once the database
 * is ready.
 */
export function createSqlFleet(
  onDatabase: <T>(work: (database: Database) => Promise<T>) => Promise<T>,
  presentTime: PresentTime,
): FleetStore {
  return {
    add: (sightings) =>
      onDatabase(async (database) => {
        await presentTime.beforeWriting(database)
        await addSightings(database, sightings)
      }),
    list: (query) => onDatabase((database) => listSightings(database, query)),
    prune: ({ keptMs, now }) =>
      onDatabase(async (database) => prune(database, (await presentTime.read(database, now)) - keptMs)),
    look: (forMs) =>
      onDatabase(async (database) => {
        const { dialect, tables } = database
        const until = sql`${databaseNow(dialect)} + ${sql.lit(Math.ceil(forMs))}`
        await writeAtOnce(database, sql`update ${tables.meta} set watched_until = ${until} where id = 1`)
      }),
    claim: (id) => onDatabase((database) => claim(database, id)),
    put: (page) => onDatabase((database) => putPage(database, page)),
    read: (known) => onDatabase((database) => readPages(database, known)),
  }
}

async function addSightings(database: Database, sightings: readonly Sighting[]): Promise<void> {
  const { dialect, tables } = database
  // In one order for all processes, so that there are no deadlocks.
  const inOrder = sightings.toSorted((one, other) => (one.id < other.id ? -1 : 1))
  for (let start = 0; start < inOrder.length; start += rowsPerStatement) {
    const rows = inOrder.slice(start, start + rowsPerStatement).map((one) => toRow(dialect, one))
    await writeAtOnce(
      database,
      sql`${insertInto(dialect, tables.sightings)} (id, kind, name, key_id, sender, about, total, first_at, last_at,
          hour_at, hour_total, hour_before_total) values ${sql.join(rows)} ${addUp(dialect)}`,
    )
  }
}

function toRow(dialect: SqlDialect, one: Sighting): RawBuilder<unknown> {
  const now = databaseNow(dialect)
  const least = sql.raw(dialect === 'sqlite' ? 'min' : 'least')
  const upToNow = (at: number) => sql`${least}(${wholeNumber(dialect, Math.trunc(at))}, ${now})`
  const hour = one.lastAt - (one.lastAt % hourMs)
  return sql`(${one.id}, ${one.kind}, ${one.name}, ${one.keyId ?? ''}, ${one.sender ?? ''}, ${one.about},
    ${wholeNumber(dialect, one.count)}, ${upToNow(one.firstAt)}, ${upToNow(one.lastAt)},
    ${least}(${wholeNumber(dialect, hour)}, ${now} - ${now} % ${sql.lit(hourMs)}), ${wholeNumber(dialect, one.count)}, 0)`
}

/** MySQL assigns from left to right and reads assigned values: the hour itself comes last. */
function addUp(dialect: SqlDialect): RawBuilder<unknown> {
  const isMysql = dialect === 'mysql'
  const column = (name: string) => (isMysql ? sql.ref(name) : sql.ref(`existing.${name}`))
  const incoming = (name: string) => (isMysql ? sql`values(${sql.ref(name)})` : sql.ref(`excluded.${name}`))
  const [hour, newHour] = [column('hour_at'), incoming('hour_at')]
  const [total, newTotal] = [column('hour_total'), incoming('hour_total')]
  return onConflict(dialect, ['id'], {
    hour_before_total: (before) => sql`case when ${newHour} <= ${hour} then ${before}
      when ${newHour} = ${hour} + ${sql.lit(hourMs)} then ${total} else 0 end`,
    hour_total: () => sql`case when ${newHour} > ${hour} then ${newTotal} when ${newHour} = ${hour}
      then ${total} + ${newTotal} else ${total} end`,
    hour_at: (at, newAt) => sql`case when ${newAt} > ${at} then ${newAt} else ${at} end`,
    total: 'add',
    about: 'replace',
    first_at: (at, newAt) => sql`case when ${newAt} < ${at} then ${newAt} else ${at} end`,
    last_at: (at, newAt) => sql`case when ${newAt} > ${at} then ${newAt} else ${at} end`,
  })
}

type SightingRow = Row<
  'sightings',
  | 'id'
  | 'kind'
  | 'name'
  | 'key_id'
  | 'sender'
  | 'about'
  | 'total'
  | 'first_at'
  | 'last_at'
  | 'hour_total'
  | 'hour_before_total'
>

async function listSightings(
  database: Database,
  { kind, keyIds, since, limit }: SightingQuery,
): Promise<StoredSighting[]> {
  const { dialect, tables } = database
  if (keyIds?.length === 0) return []
  const ofKeys = keyIds === undefined ? sql`` : sql`and key_id in (${sql.join(keyIds)})`
  const rows = await read<SightingRow>(
    database,
    sql`select id, kind, name, key_id, sender, total, first_at, last_at, hour_total, hour_before_total,
        ${textColumn(dialect, 'about')} from ${tables.sightings}
      where kind = ${kind} and last_at >= ${Math.floor(since)} ${ofKeys}
      order by last_at desc, id limit ${sql.lit(limit)}`,
  )
  return rows.map((row) => ({
    id: row.id,
    kind: row.kind,
    name: row.name,
    keyId: row.key_id === '' ? null : row.key_id,
    sender: row.sender === '' ? null : row.sender,
    about: toText(row.about),
    count: Number(row.total),
    firstAt: Number(row.first_at),
    lastAt: Number(row.last_at),
    lastHour: Number(row.hour_total),
    hourBefore: Number(row.hour_before_total),
  }))
}

async function prune(database: Database, before: number): Promise<void> {
  const { dialect, tables } = database
  const now = databaseNow(dialect)
  await writeAtOnce(database, sql`delete from ${tables.sightings} where last_at < ${Math.floor(before)}`)
  const crowded = await read<Row<'sightings', 'id'>>(database, findCrowded(database))
  for (let start = 0; start < crowded.length; start += rowsPerStatement) {
    const ids = crowded.slice(start, start + rowsPerStatement).map(({ id }) => id)
    await transact(database, ({ write }) =>
      write(sql`delete from ${tables.sightings} where id in (${sql.join(ids)})`),
    )
  }
  await writeAtOnce(
    database,
    sql`delete from ${tables.notices} where claimed_at < ${now} - ${wholeNumber(dialect, claimLifeMs)}`,
  )
  await writeAtOnce(
    database,
    sql`delete from ${tables.decision_pages} where put_at < ${now} - ${sql.lit(10 * pageLifeMs)}`,
  )
}

/** Sightings beyond the places of a sender, of a key and name, and of all. */
function findCrowded({ tables }: Database): RawBuilder<unknown> {
  const beyond = sql`case when of_sender > ${sql.lit(keptOfSender)} then 1 else 0 end`
  const group = sql.raw('key_id, kind, name')
  return sql`select id from (
      select id, of_sender, place, row_number() over (order by place, last_at desc) as of_all from (
        select id, of_sender, last_at,
          row_number() over (partition by ${group} order by ${beyond}, total desc, last_at desc) as place from (
          select id, total, last_at, key_id, kind, name, case when sender = '' then 1 else
            row_number() over (partition by ${group}, sender order by total desc, last_at desc) end as of_sender
          from ${tables.sightings}
        ) of_senders
      ) placed
    ) ranked
    where place > ${sql.lit(keptSightings)} or of_sender > ${sql.lit(keptOfSender)} or of_all > ${sql.lit(keptInAll)}
    order by id`
}

async function claim(database: Database, id: string): Promise<boolean> {
  const { dialect, tables } = database
  const insert = dialect === 'mysql' ? sql`insert ignore into` : sql`insert into`
  const orNothing = dialect === 'mysql' ? sql`` : sql`on conflict do nothing`
  const written = await transact(database, ({ write }) =>
    write(
      sql`${insert} ${tables.notices} (id, claimed_at) values (${id}, ${databaseNow(dialect)}) ${orNothing}`,
    ),
  )
  return written === 1
}

async function putPage(database: Database, { process, number, body }: DecisionPage): Promise<void> {
  const { dialect, tables } = database
  await writeAtOnce(
    database,
    sql`${insertInto(dialect, tables.decision_pages)} (process, slot, page, put_at, body)
      values (${process}, ${number % keptPages}, ${number}, ${databaseNow(dialect)}, ${body})
      ${onConflict(dialect, ['process', 'slot'], { page: 'replace', put_at: 'replace', body: 'replace' })}`,
  )
}

async function readPages(database: Database, known: ReadonlyMap<string, number>): Promise<DecisionPage[]> {
  const { dialect, tables } = database
  // Each process puts a page every half second at most: listing the few pages that were read keeps the answer
  // short.
  const isNew = [...known].map(([process, number]) => sql`(process = ${process} and page <= ${number})`)
  const notKnown = isNew.length === 0 ? sql`` : sql`and not (${sql.join(isNew, sql` or `)})`
  const rows = await read<Row<'decision_pages', 'process' | 'body'> & { page: NumberCell }>(
    database,
    sql`select process, page, ${textColumn(dialect, 'body')} from ${tables.decision_pages}
      where put_at > ${databaseNow(dialect)} - ${sql.lit(pageLifeMs)} ${notKnown} order by page`,
  )
  return rows.map(({ process, page, body }) => ({ process, number: Number(page), body: toText(body) }))
}

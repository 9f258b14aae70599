import { join } from 'node:path'
import Database from 'libsql'
import { createConnection } from 'mysql2/promise'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSqlStore } from '../../src/stores/sql/index.ts'
import type { UsageStore } from '../../src/stores/usage-store.ts'
import { describeWithService } from '../services.ts'
import { useFolder, useMysqlDatabase, usePostgresDatabase } from '../stores/sql/databases.ts'
import { length } from './length.ts'
import { percentile, summarize } from './percentile.ts'
import { buildProgram, type Program } from './processes/spawn.ts'
import type { WriteTimes } from './processes/store-writer.ts'

const keyCount = length(3_000, 300)
/** Rows of each key: half a day that is kept, and the rest older than that. */
const youngBuckets = 144
const oldBuckets = Math.round(length(10_000_000, 100_000) / keyCount) - youngBuckets
/** Ten million rows take a while on a slow disk. */
const timeoutMs = 60 * 60_000
const calmMs = length(10_000, 3_000)

const bucketMs = 300_000
const dayMs = 86_400_000

let program: Program
beforeAll(async () => {
  program = await buildProgram('store-writer')
})
afterAll(() => program?.remove())

type Row = Record<string, unknown>
type Execute = (statement: string) => Promise<Row[]>

/** `number` from 0 to `count - 1`, in each dialect. */
const series = {
  postgres: (count: number) => `(select generate_series(0, ${count - 1}) as number) series`,
  mysql: (count: number) => `(select seq as number from seq_0_to_${count - 1}) series`,
  sqlite: (count: number) =>
    `(with recursive counted (number) as (select 0 union all select number + 1 from counted where number < ${count - 1})
      select number from counted) series`,
}
type Dialect = keyof typeof series

async function fill(dialect: Dialect, execute: Execute): Promise<void> {
  const today = Math.floor(Date.now() / bucketMs) * bucketMs
  const id =
    dialect === 'mysql'
      ? `concat('wk_', lpad(number, 16, '0'))`
      : `'wk_' || substr(cast(10000000000000000 + number as varchar(20)), 2)`
  await execute(
    `insert into writekey_keys (id, name, name_folded, source_type, environment, status, created_at, updated_at, version)
     select ${id}, 'key', 'key', 'web', 'production', 'active', 1, 1, 1 from ${series[dialect](keyCount)}`,
  )
  for (const [from, buckets] of [
    [today, youngBuckets],
    [today - 31 * dayMs, oldBuckets],
  ] as const) {
    await execute(
      `insert into writekey_usage (key_id, bucket_at, kind, name, total)
       select id, ${from} - number * ${bucketMs}, 'accepted', 'page', 5 from ${series[dialect](buckets)}, writekey_keys`,
    )
  }
}

async function pruneBesideWriters(dialect: Dialect, url: string, execute: Execute): Promise<void> {
  const store = createSqlStore({ url })
  await store.migrate()
  await fill(dialect, execute)
  const keyIds = (await execute('select id from writekey_keys order by id')).map(({ id }) => String(id))
  const writers = await Promise.all(['1', '2'].map((name) => program.start({ url, name })))
  const writeDuring = async (work: () => Promise<unknown>) => {
    const writing = Promise.all(
      writers.map((writer, index) => {
        const own = keyIds.filter((_, place) => place % writers.length === index)
        return writer.ask<WriteTimes>({ type: 'write', keyIds, own })
      }),
    )
    writing.catch(() => {})
    await work()
    await Promise.all(writers.map((writer) => writer.ask({ type: 'stop' })))
    const times = await writing
    return {
      counts: times.flatMap(({ counts }) => counts),
      changes: times.flatMap(({ changes }) => changes),
    }
  }
  try {
    const calm = await writeDuring(() => new Promise((resolve) => setTimeout(resolve, calmMs)))
    const parts: number[] = []
    const startedAt = performance.now()
    const busy = await writeDuring(() => pruneAll(store.usage, parts))
    const seconds = (performance.now() - startedAt) / 1_000

    const tenth = Math.ceil(parts.length / 10)
    const [first, last] = [percentile(parts.slice(0, tenth), 0.5), percentile(parts.slice(-tenth), 0.5)]
    console.log(
      `${dialect}: ${keyCount * oldBuckets} of ${keyCount * (oldBuckets + youngBuckets)} rows in ${seconds.toFixed(0)} s\n` +
        `  parts: ${summarize(parts)}, longest ${Math.max(...parts).toFixed(0)} ms; ` +
        `median of the first tenth ${first.toFixed(1)} ms, of the last ${last.toFixed(1)} ms\n` +
        `  counts of others: ${summarize(busy.counts)}; without pruning ${summarize(calm.counts)}\n` +
        `  changes of others: ${summarize(busy.changes)}; without pruning ${summarize(calm.changes)}`,
    )
    const [row] = await execute(`select count(*) as found from writekey_usage where name = 'page'`)
    expect(Number(row?.found)).toBe(keyCount * youngBuckets)
    // A machine with much else to do is slow with everything.
    expect(last).toBeLessThan(Math.max(50, 3 * first))
    for (const what of ['counts', 'changes'] as const) {
      expect(busy[what].length).toBeGreaterThan(20)
      const most = Math.max(250, 3 * percentile(calm[what], 0.99))
      expect(percentile(busy[what], 0.99)).toBeLessThan(most)
    }
  } finally {
    await Promise.all(writers.map((writer) => writer.kill()))
    await store.close()
  }
}

async function pruneAll(usage: UsageStore, parts: number[]): Promise<void> {
  for (let more = true; more; ) {
    const startedAt = performance.now()
    // The process's clock is a year ahead: the database's decides what is old.
    more = await usage.prune({ keptMs: 30 * dayMs, now: Date.now() + 365 * dayMs })
    parts.push(performance.now() - startedAt)
    // As the library does, so that a file's other writers have their turn; only less.
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

describe('old counts go in small parts, and no writer waits for them', () => {
  const folder = useFolder()
  it(
    'on SQLite',
    async () => {
      const file = join(folder, 'keys.db')
      const database = new Database(file)
      try {
        await pruneBesideWriters('sqlite', `sqlite:${file}`, async (statement) => {
          const prepared = database.prepare(statement)
          if (prepared.reader) return prepared.all() as Row[]
          prepared.run()
          return []
        })
      } finally {
        database.close()
      }
    },
    timeoutMs,
  )
})

describeWithService('postgres', 'old counts go in small parts on PostgreSQL', (address) => {
  const database = usePostgresDatabase(address)
  it(
    'and no writer waits for them',
    async () => {
      const client = new pg.Client({ connectionString: database.url })
      await client.connect()
      try {
        await pruneBesideWriters(
          'postgres',
          database.url,
          async (statement) => (await client.query(statement)).rows,
        )
      } finally {
        await client.end()
      }
    },
    timeoutMs,
  )
})

describeWithService('mysql', 'old counts go in small parts on MariaDB', (address) => {
  const database = useMysqlDatabase(address)
  it(
    'and no writer waits for them',
    async () => {
      const connection = await createConnection({ uri: database.url })
      try {
        await pruneBesideWriters(
          'mysql',
          database.url,
          async (statement) => (await connection.query(statement))[0] as Row[],
        )
      } finally {
        await connection.end()
      }
    },
    timeoutMs,
  )
})

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'libsql'
import { createWriteKeys, type WriteKeys } from '../src/index.ts'
import { createSqlStore } from '../src/stores/sql/index.ts'
import { reportStalls, type Stalls, stallsOf } from './event-loop.ts'
import { sized } from './length.ts'
import { spreadOf } from './measurement.ts'
import { assertSame, report } from './report.ts'

const keyCount = sized({ full: 20_000, short: 20_000, smoke: 200 })
const days = sized({ full: 30, short: 30, smoke: 2 })
const rounds = sized({ full: 5, short: 3, smoke: 1 })
const hourMs = 3_600_000

/** What reports over all keys cost in a process that verifies at the same time. */
export async function measureReports(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'writekey-bench-'))
  const file = join(folder, 'keys.db')
  const store = createSqlStore({ url: `sqlite:${file}` })
  try {
    await store.migrate()
    const rows = fill(file)
    const keys = createWriteKeys({ store })
    await measure(keys, rows)
    await keys.close()
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function measure(keys: WriteKeys, rows: number): Promise<void> {
  const what = `${keyCount.toLocaleString('en')} keys on SQLite`
  const note = `${rows.toLocaleString('en')} rows of counts`
  const tell = (name: string, stalls: Stalls) => {
    report({ name: `${what}: ${name}`, value: spreadOf(stalls.took), unit: 'ms', note })
    reportStalls(`${what}, longest stall: ${name}`, stalls, note)
  }
  const sorted = await stallsOf(rounds, async () => {
    const { data } = await keys.list({ sort: '-events_24h', limit: 50 })
    assertSame('keys', data.length, 50)
  })
  tell('a list by events_24h', sorted)
  const overview = await stallsOf(rounds, async () => {
    const { total } = await keys.usageOverview({ window: '30d', groupBy: 'key' })
    assertSame('keys', total.keys, keyCount)
  })
  tell('an overview of 30 days by key', overview)
}

/** Every key has events in each hour of the last day, and in four of each day before; all keys in the same buckets. */
function fill(file: string): number {
  const database = new Database(file)
  database.exec(
    `insert into writekey_keys (id, name, name_folded, source_type, environment, status, created_at, updated_at, version)
     with recursive series (number) as (select 0 union all select number + 1 from series where number < ${keyCount - 1})
     select 'wk_' || substr(cast(10000000000000000 + number as text), 2), 'key ' || number, 'key ' || number, 'web',
       'production', 'active', 1700000000000 + number, 1700000000000 + number, 1 from series`,
  )
  const now = Math.floor(Date.now() / hourMs) * hourMs
  const insert = database.prepare(
    `insert into writekey_usage (key_id, bucket_at, kind, name, total) select id, ?, 'accepted', 'track', 5 from writekey_keys`,
  )
  const hours = [
    ...Array.from({ length: 24 }, (_, hour) => hour),
    ...Array.from({ length: (days - 1) * 4 }, (_, index) => 24 + index * 6),
  ]
  for (const hour of hours) insert.run(now - hour * hourMs)
  database.exec('pragma wal_checkpoint(truncate)')
  database.close()
  return hours.length * keyCount
}

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'libsql'
import { createWriteKeys, type WriteKeys } from '../src/index.ts'
import { createSqlStore } from '../src/stores/sql/index.ts'
import { pause, reportStalls, type Stalls, stallsOf } from './event-loop.ts'
import { sized } from './length.ts'
import { assertSame } from './report.ts'
import { basicCredential } from './sample.ts'

const activeKeys = sized({ full: 3_000, short: 3_000, smoke: 50 })
/** Rows that are there already: every bucket of the last day for each key, and the rest too old to be kept. */
const storedRows = sized({ full: 10_000_000, short: 1_500_000, smoke: 15_000 })
const rounds = sized({ full: 9, short: 5, smoke: 1 })
const pruneForMs = sized({ full: 20_000, short: 5_000, smoke: 50 })

const bucketsOfADay = 288
const bucketMs = 300_000
const dayMs = 86_400_000

/** How long SQLite, which works in this process, keeps the event loop from everybody else. */
export async function measureStalls(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'writekey-bench-'))
  try {
    await measure(join(folder, 'keys.db'))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function measure(file: string): Promise<void> {
  const store = createSqlStore({ url: `sqlite:${file}` })
  const keys = createWriteKeys({ store, usage: { flushMs: 3_600_000 } })
  const made: { id: string; request: Parameters<WriteKeys['verify']>[0] }[] = []
  for (let index = 0; index < activeKeys; index++) {
    const { writeKey, key } = await keys.create({ name: `key ${index}`, sourceType: 'server' })
    const headers = { authorization: basicCredential(key) }
    made.push({ id: writeKey.id, request: { method: 'POST', path: '/v1/batch', headers, body: batch } })
  }
  fill(file)
  const what = `${activeKeys.toLocaleString('en')} active keys on SQLite, longest stall`
  const tell = (name: string, stalls: Stalls, note: string) => reportStalls(`${what}: ${name}`, stalls, note)

  tell('nothing to do', await stallsOf(rounds, () => pause(500)), 'what the machine adds')
  const counting = await stallsOf(rounds, async () => {
    for (const [index, { request }] of made.entries()) {
      assertSame('verify', (await keys.verify(request)).ok, true)
      if (index % 20 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    // Also stores what was counted.
    await keys.get((made[0] as (typeof made)[number]).id)
  })
  tell('counting and storing counts', counting, `${rounds} times every key, two numbers each`)
  const listing = await stallsOf(rounds, async () => {
    let cursor: string | null | undefined
    do {
      const page = await keys.list({ limit: 100, ...(cursor && { cursor }) })
      const volumes = await keys.volumes(page.data.map(({ id }) => id))
      assertSame('volumes', volumes.size, page.data.length)
      cursor = page.nextCursor
    } while (cursor)
  })
  tell('lists with volumes', listing, 'all keys, 100 a page, a day of buckets each')
  const series = await stallsOf(rounds, async () => {
    for (const { id } of made.slice(0, 20)) await keys.usage(id, { window: '30d' })
  })
  tell('series of 30 days', series, '20 keys')

  let deleted = 0
  const pruning = await stallsOf(rounds, async () => {
    const until = performance.now() + pruneForMs / rounds
    while (performance.now() < until) {
      await store.usage.prune({ keptMs: 30 * dayMs, now: Date.now() })
      deleted++
      await pause(20)
    }
  })
  tell('pruning', pruning, `${deleted} parts, ${storedRows.toLocaleString('en')} rows stored`)
  await keys.close()
}

const batch = { batch: [{ type: 'track' }, { type: 'page' }, { type: 'track' }] }

function fill(file: string): void {
  const database = new Database(file)
  const today = Math.floor(Date.now() / bucketMs) * bucketMs
  const old = Math.max(1, Math.round(storedRows / activeKeys) - bucketsOfADay)
  for (const [from, buckets] of [
    [today, bucketsOfADay],
    [today - 31 * dayMs, old],
  ] as const) {
    database.exec(
      `insert into writekey_usage (key_id, bucket_at, kind, name, total)
       with recursive bucket (number) as (select 0 union all select number + 1 from bucket where number < ${buckets - 1})
       select id, ${from} - number * ${bucketMs}, 'accepted', 'track', 5 from bucket, writekey_keys`,
    )
  }
  database.exec('pragma wal_checkpoint(truncate)')
  database.close()
}

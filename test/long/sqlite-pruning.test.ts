import { join } from 'node:path'
import Database from 'libsql'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createWriteKeys, type WriteKeyEvent } from '../../src/index.ts'
import { createSqlStore } from '../../src/stores/sql/index.ts'
import { useFolder } from '../stores/sql/databases.ts'
import { length } from './length.ts'
import { percentile, summarize } from './percentile.ts'
import { buildProgram, type Program } from './processes/spawn.ts'
import type { WriteTimes } from './processes/store-writer.ts'

const keyCount = length(600, 40)
/** Of each key, five minutes apart, all of them older than they are kept. */
const bucketCount = 500
const calmMs = length(5_000, 1_000)

const bucketMs = 300_000
const dayMs = 86_400_000

let program: Program
beforeAll(async () => {
  program = await buildProgram('store-writer')
})
afterAll(() => program?.remove())

const folder = useFolder()

it('gives way to two processes that write to the file without a pause, and tells of no error', async () => {
  const file = join(folder, 'keys.db')
  const url = `sqlite:${file}`
  const store = createSqlStore({ url })
  const parts: number[] = []
  const events: WriteKeyEvent[] = []
  const keys = createWriteKeys({
    store: {
      ...store,
      usage: {
        ...store.usage,
        async prune(pruning) {
          const startedAt = performance.now()
          try {
            return await store.usage.prune(pruning)
          } finally {
            parts.push(performance.now() - startedAt)
          }
        },
      },
    },
    onEvent: (event) => events.push(event),
    logger: false,
    // Later than the test: pruning begins with the first batch.
    usage: { flushMs: 60_000 },
  })
  await store.migrate()
  const { key } = await keys.create({ name: 'Own', sourceType: 'server' })
  const database = new Database(file)
  database.exec(`pragma busy_timeout = 10000`)
  const counted = (count: number) =>
    `(with recursive counted (number) as (select 0 union all select number + 1 from counted where number < ${count - 1})
      select number from counted) series`
  const today = Math.floor(Date.now() / bucketMs) * bucketMs
  database.exec(`insert into writekey_keys (id, name, name_folded, source_type, environment, status, created_at, updated_at, version)
    select 'wk_' || substr(cast(10000000000000000 + number as text), 2), 'key', 'key', 'web', 'production', 'active', 1, 1, 1
    from ${counted(keyCount)}`)
  database.exec(`insert into writekey_usage (key_id, bucket_at, kind, name, total)
    select id, ${today - 31 * dayMs} - number * ${bucketMs}, 'accepted', 'page', 5
    from ${counted(bucketCount)}, writekey_keys where version = 1 and name = 'key'`)
  const oldLeft = () => {
    const [row] = database.prepare(`select count(*) as found from writekey_usage where name = 'page'`).all()
    return Number((row as { found: unknown }).found)
  }
  expect(oldLeft()).toBe(keyCount * bucketCount)
  const keyIds = database
    .prepare(`select id from writekey_keys where name = 'key' order by id`)
    .all()
    .map((row) => String((row as { id: unknown }).id))
  const writers = await Promise.all(['1', '2'].map((name) => program.start({ url, name })))
  async function writeDuring(work: () => Promise<unknown>): Promise<number[]> {
    const writing = Promise.all(
      writers.map((writer, index) => {
        const own = keyIds.filter((_, place) => place % writers.length === index)
        return writer.ask<WriteTimes>({ type: 'write', keyIds, own, pauseMs: 0 })
      }),
    )
    writing.catch(() => {})
    await work()
    await Promise.all(writers.map((writer) => writer.ask({ type: 'stop' })))
    return (await writing).flatMap(({ counts, changes }) => [...counts, ...changes])
  }

  try {
    const calm = await writeDuring(() => new Promise((resolve) => setTimeout(resolve, calmMs)))
    const startedAt = performance.now()
    const headers = { authorization: `Basic ${btoa(`${key}:`)}` }
    const busy = await writeDuring(async () => {
      const verdict = await keys.verify({ method: 'POST', path: '/v1/track', headers, body: { event: 'a' } })
      expect(verdict.ok).toBe(true)
      await keys.flush()
      await expect.poll(oldLeft, { timeout: 10 * 60_000, interval: 500 }).toBe(0)
    })
    const seconds = (performance.now() - startedAt) / 1_000
    console.log(
      `SQLite: ${keyCount * bucketCount} rows in ${seconds.toFixed(0)} s\n` +
        `  parts: ${summarize(parts)}, longest ${Math.max(...parts).toFixed(0)} ms\n` +
        `  writes of others: ${summarize(busy)}; without pruning ${summarize(calm)}`,
    )
    expect(events.filter(({ type }) => type === 'store_error')).toEqual([])
    expect(busy.length).toBeGreaterThan(20)
    // A machine with much else to do is slow with everything.
    expect(percentile(busy, 0.5)).toBeLessThan(Math.max(50, 3 * percentile(calm, 0.5)))
    expect(percentile(busy, 0.99)).toBeLessThan(Math.max(250, 3 * percentile(calm, 0.99)))
  } finally {
    await Promise.all(writers.map((writer) => writer.kill()))
    await keys.close()
    database.close()
  }
})

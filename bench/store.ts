import assert from 'node:assert/strict'
import { createHash, randomInt } from 'node:crypto'
import pg from 'pg'
import { createWriteKeys, type WriteKeys } from '../src/index.ts'
import { createSqlStore } from '../src/stores/sql/index.ts'
import { sized } from './length.ts'
import { measureLists } from './lists.ts'
import { ratioOf, spreadOf, timeInTurn } from './measurement.ts'
import { assertSame, report } from './report.ts'
import { measureReports } from './reports.ts'
import { basicCredential } from './sample.ts'
import { measureStalls } from './stalls.ts'

/** What a key costs in a database with a million of them: a hit against one with a thousand, and a miss. */
const sizes = { small: 1_000, large: sized({ full: 1_000_000, short: 1_000_000, smoke: 2_000 }) }
type Size = keyof typeof sizes

const usedKeys = 500
const misses = sized({ full: 2_000, short: 1_000, smoke: 20 })

const address = process.env.WRITEKEY_TEST_POSTGRES ?? 'postgres://postgres@127.0.0.1:5432/postgres'
const name = `writekey_bench_${randomInt(1e9)}`
const admin = await connect(address)
await admin.query(`create database ${name}`)
const url = Object.assign(new URL(address), { pathname: `/${name}` }).href
try {
  await measure()
  await measureStalls()
  await measureReports()
  await measureLists()
} finally {
  await admin.query(`drop database ${name} with (force)`)
  await admin.end()
}

async function measure(): Promise<void> {
  const client = await connect(url)
  const open = (size: Size) => {
    const store = createSqlStore({ url, tablePrefix: `${size}_`, notifications: false })
    // A long lease, so that what is timed is the hit and not the poll.
    return { store, keys: createWriteKeys({ store, cache: { leaseMs: 600_000 } }) }
  }
  const small = open('small')
  const large = open('large')
  for (const [size, { store }] of [['small', small] as const, ['large', large] as const]) {
    await store.migrate()
    await fill(client, size)
  }

  // Each size twice, in mirrored order: where a cache happens to lie in memory is worth more than what is looked for.
  const again = { large: open('large'), small: open('small') }
  const hits = {
    small: await hitter(small.keys),
    large: await hitter(large.keys),
    largeAgain: await hitter(again.large.keys),
    smallAgain: await hitter(again.small.keys),
  }
  const times = await timeInTurn(hits, 61)
  const mean = (one: readonly number[], other: readonly number[]) =>
    one.map((value, round) => (value + (other[round] as number)) / 2)
  const [inLarge, inSmall] = [mean(times.large, times.largeAgain), mean(times.small, times.smallAgain)]
  const same = ratioOf(times.smallAgain, times.small)
  report({
    name: `hit, ${sizes.large.toLocaleString('en')} keys stored, against ${sizes.small.toLocaleString('en')}`,
    value: ratioOf(inLarge, inSmall),
    goal: { atMost: 1.1 },
    note: `${Math.round(spreadOf(inLarge).median)} ns and ${Math.round(spreadOf(inSmall).median)} ns; the same against itself ${same.median.toFixed(2)} ×`,
  })

  const missed = { small: [] as number[], large: [] as number[] }
  const before = await scans(client)
  for (let count = 0; count < misses; count++) {
    for (const size of ['small', 'large'] as const) {
      const { store } = size === 'small' ? small : large
      const hash = hashOf(randomInt(sizes[size]))
      const started = performance.now()
      const { record: found } = await store.poll({ since: null, keyHash: hash })
      missed[size].push((performance.now() - started) * 1_000)
      assert.equal(found?.secrets[0]?.keyHash, hash)
    }
  }
  const after = await scans(client)
  // By the index on the hash, then by those on the key's id. What else reads a whole table meanwhile does not do so for each miss.
  assert.ok(after.sequential - before.sequential < misses / 2, 'misses read whole tables')
  report({
    name: `miss, ${sizes.large.toLocaleString('en')} keys stored, against ${sizes.small.toLocaleString('en')}`,
    value: ratioOf(missed.large, missed.small),
    note: `${Math.round(spreadOf(missed.large).median)} µs and ${Math.round(spreadOf(missed.small).median)} µs; every read by index`,
  })
  const opened = [small, large, again.large, again.small]
  await Promise.all([...opened.map(({ keys }) => keys.close()), client.end()])
}

/** Verifies cached keys in turn. */
async function hitter(keys: WriteKeys): Promise<(count: number) => Promise<void>> {
  const requests: { method: string; path: string; headers: Record<string, string> }[] = []
  for (let index = 0; index < usedKeys; index++) {
    const { key } = await keys.create({ name: `used ${index}`, sourceType: 'server' })
    requests.push({ method: 'GET', path: '/v1/track', headers: { authorization: basicCredential(key) } })
  }
  for (const request of requests) assertSame('verify', (await keys.verify(request)).ok, true)
  return async (count) => {
    for (let index = 0; index < count; index++) {
      const verdict = await keys.verify(requests[index % usedKeys] as (typeof requests)[number])
      if (!verdict.ok) throw new Error(verdict.reason)
    }
  }
}

async function fill(client: pg.Client, size: Size): Promise<void> {
  await client.query(
    `insert into ${size}_keys (id, name, name_folded, source_type, environment, status, created_at, updated_at, version)
     select 'wk_' || lpad(i::text, 16, '0'), 'key ' || i, 'key ' || i, 'web', 'production', 'active',
       1700000000000 + i, 1700000000000 + i, 1 from generate_series(0, $1::int - 1) i`,
    [sizes[size]],
  )
  await client.query(
    `insert into ${size}_secrets (id, key_id, key_hash, start_chars, position, created_at)
     select 'sec_' || lpad(i::text, 16, '0'), 'wk_' || lpad(i::text, 16, '0'), sha256(('secret ' || i)::bytea),
       'sk_live_abcd', 0, 1700000000000 + i from generate_series(0, $1::int - 1) i`,
    [sizes[size]],
  )
  await client.query(`vacuum analyze ${size}_keys`)
  await client.query(`vacuum analyze ${size}_secrets`)
}

function hashOf(index: number): string {
  return createHash('sha256').update(`secret ${index}`).digest('hex')
}

/** Passes over whole tables so far. The server counts them with a delay. */
async function scans(client: pg.Client): Promise<{ sequential: number }> {
  await new Promise((resolve) => setTimeout(resolve, 1_500))
  await client.query('select pg_stat_clear_snapshot()')
  const { rows } = await client.query(
    `select sum(seq_scan)::int as sequential from pg_stat_user_tables where relname in ('large_keys', 'large_secrets')`,
  )
  return rows[0] as { sequential: number }
}

async function connect(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString })
  client.on('error', () => {})
  await client.connect()
  return client
}

import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'libsql'
import { createConnection } from 'mysql2/promise'
import pg from 'pg'
import { type AdminApi, createAdminApi } from '../src/admin/index.ts'
import { createWriteKeys } from '../src/index.ts'
import { createSqlStore, type SqlStore } from '../src/stores/sql/index.ts'
import { createKeyRecord } from '../src/testing/index.ts'
import { sized } from './length.ts'
import { spreadOf } from './measurement.ts'
import { assertSame, report } from './report.ts'

const keyCount = sized({ full: 20_000, short: 20_000, smoke: 200 })
const rounds = sized({ full: 7, short: 3, smoke: 1 })
const hoursWithEvents = 24
const hourMs = 3_600_000
const token = 'bench-0123456789-0123456789-0123456789'

/** How long the management API takes for a page of 50 keys of many, in each database. */
export async function measureLists(): Promise<void> {
  await onSqlite(measure)
  await onPostgres(measure)
  await onMariadb(measure)
}

interface Place {
  label: string
  url: string
  /** Runs one statement that is the same in every database. */
  run: (statement: string) => Promise<unknown>
}

async function measure({ label, url, run }: Place): Promise<void> {
  const store = createSqlStore({ url })
  await store.migrate()
  await fill(store, run)
  const keys = createWriteKeys({ store })
  const api = createAdminApi(keys, { tokens: [{ name: 'bench', token, role: 'admin' }] })
  for (const [name, queries] of Object.entries(questions)) {
    const took: number[] = []
    let slowest = ''
    for (let round = 0; round < rounds; round++) {
      const times = []
      for (const query of queries) times.push({ query, ms: await timeList(api, query) })
      const worst = times.reduce((one, other) => (other.ms > one.ms ? other : one))
      took.push(worst.ms)
      slowest = worst.query
    }
    report({
      name: `${label}, ${keyCount.toLocaleString('en')} keys: a page of ${name}`,
      value: spreadOf(took),
      unit: 'ms',
      goal: { atMost: 300 },
      note: `the slowest of ${queries.length}: ${slowest || 'no filter'}`,
    })
  }
  await keys.close()
}

const statuses = ['active', 'rotating', 'paused', 'expired', 'revoked']
const sorts = ['name', '-name', 'environment', 'source_type', 'last_event_at', '-last_event_at']
const questions: Record<string, string[]> = {
  'the newest': [''],
  'one status': statuses.map((status) => `effective_status=${status}`),
  'a search': ['q=key 1234', 'q=nothing has this name', 'q=sk_live_'],
  'another order': sorts.map((sort) => `sort=${sort}`),
  'one status, searched and in another order': statuses.flatMap((status) =>
    sorts.map((sort) => `effective_status=${status}&q=key&sort=${sort}`),
  ),
  'an order by counts': [
    'sort=-events_24h',
    'sort=rejected_24h',
    'effective_status=rotating&sort=-events_24h',
  ],
}

async function timeList(api: AdminApi, query: string): Promise<number> {
  const request = new Request(`http://localhost/api/v1/events/write-keys?limit=50&${query}`, {
    headers: { authorization: `Bearer ${token}` },
  })
  const started = performance.now()
  const response = await api.fetch(request, { address: '127.0.0.1' })
  await response.text()
  assertSame(`list ${query}`, response.status, 200)
  return performance.now() - started
}

/** Keys of every status, and events of each key in every hour of the last day. */
async function fill(store: SqlStore, run: Place['run']): Promise<void> {
  const now = Date.now()
  const dayMs = 24 * hourMs
  for (let from = 0; from < keyCount; from += 1_000) {
    const creations = Array.from({ length: Math.min(1_000, keyCount - from) }, (_, index) => {
      const number = from + index
      const at = now - 90 * dayMs + number * 60_000
      const made = createKeyRecord({
        name: `Key ${number}`,
        createdAt: at,
        updatedAt: at,
        ...stateOf(number, now, dayMs),
      })
      const earlier = number % 20 > 10 && number % 20 < 14 ? createKeyRecord().secrets : []
      const secrets = [...earlier.map((secret) => ({ ...secret, expiresAt: now + dayMs })), ...made.secrets]
      const record = { ...made, secrets }
      const audit = { action: 'create', actor: null, address: null, before: null, after: null } as const
      return { record, audit: { ...audit, id: `aud_${record.id}`, at, keyId: record.id } }
    })
    await store.insertAll?.(creations)
  }
  const lastHour = Math.floor(now / hourMs) * hourMs
  for (let hour = 0; hour < hoursWithEvents; hour++) {
    for (const [kind, name] of [
      ['accepted', 'track'],
      ['refused', 'origin_not_allowed'],
    ] as const) {
      await run(
        `insert into writekey_usage (key_id, bucket_at, kind, name, total)
         select id, ${lastHour - hour * hourMs}, '${kind}', '${name}', created_at % 97 from writekey_keys`,
      )
    }
  }
  await run(
    `insert into writekey_activity (key_id, last_event_at) select id, created_at + 1000 from writekey_keys`,
  )
}

/** Of twenty keys three rotate, two are paused, two expired and one is revoked. */
function stateOf(number: number, now: number, dayMs: number) {
  const place = number % 20
  if (place < 2) return { status: 'paused' as const }
  if (place < 4) return { expiresAt: now - dayMs }
  if (place === 4) return { status: 'revoked' as const, revokedAt: now - dayMs }
  return {}
}

async function onSqlite(measureIn: (place: Place) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'writekey-bench-'))
  const file = join(folder, 'keys.db')
  try {
    const run = async (statement: string) => {
      const database = new Database(file)
      database.exec(statement)
      database.close()
    }
    await measureIn({ label: 'SQLite', url: `sqlite:${file}`, run })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function onPostgres(measureIn: (place: Place) => Promise<void>): Promise<void> {
  const address = process.env.WRITEKEY_TEST_POSTGRES ?? 'postgres://postgres@127.0.0.1:5432/postgres'
  const name = `writekey_bench_${randomInt(1e9)}`
  const url = Object.assign(new URL(address), { pathname: `/${name}` }).href
  const admin = new pg.Client({ connectionString: address })
  await admin.connect()
  await admin.query(`create database ${name}`)
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  try {
    await client.connect()
    await measureIn({ label: 'PostgreSQL', url, run: (statement) => client.query(statement) })
  } finally {
    await client.end()
    await admin.query(`drop database ${name} with (force)`)
    await admin.end()
  }
}

async function onMariadb(measureIn: (place: Place) => Promise<void>): Promise<void> {
  const address = process.env.WRITEKEY_TEST_MYSQL ?? 'mysql://root@127.0.0.1:3306/mysql'
  const name = `writekey_bench_${randomInt(1e9)}`
  const url = Object.assign(new URL(address), { pathname: `/${name}` }).href
  const admin = await createConnection({ uri: address })
  await admin.query(`create database ${name}`)
  try {
    await admin.query(`use ${name}`)
    await measureIn({ label: 'MariaDB', url, run: (statement) => admin.query(statement) })
  } finally {
    await admin.query(`drop database ${name}`)
    await admin.end()
  }
}

import { mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import {
  createMemoryStore,
  createWriteKeys,
  type KeyStore,
  type WriteKeys,
  type WriteKeysOptions,
} from '../src/index.ts'
import { generateSecret } from '../src/keys/secret.ts'
import { createSqlStore } from '../src/stores/sql/index.ts'
import { basic } from '../src/testing/adapter/golden/golden-request.ts'
import { createGate, shareMemory } from './cache/shared-memory.ts'
import { createToldLimiter } from './limits/told-limiter.ts'

const folder = mkdtempSync(join(tmpdir(), 'writekey-health-'))
const opened: WriteKeys[] = []
let files = 0

afterEach(async () => {
  await Promise.all(opened.splice(0).map((keys) => keys.close()))
})
afterAll(() => {
  rmSync(folder, { recursive: true })
})

function open(options: WriteKeysOptions): WriteKeys {
  const keys = createWriteKeys({ onEvent() {}, ...options })
  opened.push(keys)
  return keys
}

function newFile(): string {
  files++
  return join(folder, `${files}.db`)
}

/** A store that can be made to fail, and counts the questions it gets. */
function breakable(inner: KeyStore) {
  const state = { isBroken: false, questions: 0 }
  const store: KeyStore = {
    ...inner,
    scope: 'shared',
    poll(question) {
      state.questions++
      if (state.isBroken) throw new Error('no route to the database')
      return inner.poll(question)
    },
  }
  return { state, store }
}

const post = (secret: string) => ({
  method: 'POST',
  path: '/v1/track',
  headers: { authorization: basic(secret) },
  body: { event: 'a' },
})

describe('ready', () => {
  it('resolves for a store of this process and for a file that has to be made', async () => {
    await open({ store: createMemoryStore() }).ready()
    const path = newFile()
    await open({ store: createSqlStore({ url: `sqlite:${path}` }) }).ready()
    await open({ store: createSqlStore({ url: `sqlite:${path}` }) }).ready()
  })

  it('rejects with what is missing', async () => {
    const { store, state } = breakable(createMemoryStore())
    state.isBroken = true
    const keys = open({ store })
    const error = await keys.ready().catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'store_unavailable', cause: { message: 'no route to the database' } })
    state.isBroken = false
    await keys.ready()
  })

  it('rejects for tables that the application has not made', async () => {
    const { Kysely, SqliteDialect } = await import('kysely')
    const { default: Database } = await import('libsql')
    const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database: new Database(newFile()) }) })
    const store = createSqlStore({ db })
    const keys = open({ store })
    await expect(keys.ready()).rejects.toMatchObject({ code: 'schema_missing' })
    await store.migrate()
    await keys.ready()
    await db.destroy()
  })

  it('waits until it is known which secrets exist, so that a flood meets no process without', async () => {
    const { store, memory, before, asked } = shareMemory({ tells: true })
    const elsewhere = open({ store: memory })
    const good = await Promise.all(
      Array.from({ length: 30 }, () => elsewhere.create({ name: 'Web', sourceType: 'web' })),
    )
    const page = createGate()
    before.page = page.wait
    const keys = open({ store })
    let isReady = false
    const ready = keys.ready().then(() => {
      isReady = true
    })
    while (asked.pages === 0) await new Promise(setImmediate)
    for (let turn = 0; turn < 100; turn++) await new Promise(setImmediate)
    expect(isReady).toBe(false)
    page.open()
    await ready
    // Nothing more is read: a flood right after the start finds everything known.
    before.page = () => new Promise(() => {})
    for (let sent = 0; sent < 25; sent++) await keys.verify(post(generateSecret('sk_live_')))
    for (const { key } of good) expect(await keys.verify(post(key))).toMatchObject({ ok: true })
  })

  it('resolves when the store does not tell which secrets exist, and reports it', async () => {
    const { store, before } = shareMemory({ tells: true })
    before.page = () => {
      throw new Error('no right to read')
    }
    const events: string[] = []
    await open({ store, onEvent: ({ type }) => events.push(type) }).ready()
    expect(events).toContain('store_error')
  })

  it('rejects once the keys are closed', async () => {
    const keys = open({})
    await keys.close()
    await expect(keys.ready()).rejects.toMatchObject({ code: 'store_unavailable' })
  })
})

describe('health', () => {
  it('says that all is well in one process with everything in memory', async () => {
    const keys = open({})
    expect(await keys.health()).toEqual({
      ok: true,
      store: { ok: true },
      limiter: { ok: true },
      hints: { ok: true },
      cache: { ok: true, keys: 0, leaseMs: 0, ageMs: null },
      usage: { ok: true, unsent: 0 },
    })
  })

  it('asks the store nothing, and knows of its answers', async () => {
    const { store, state } = breakable(createMemoryStore())
    const keys = open({ store })
    expect(await keys.health()).toMatchObject({ ok: false, store: { ok: false }, cache: { ok: false } })
    expect(state.questions).toBe(0)
    const { key } = await keys.create({ name: 'Web', sourceType: 'web' })
    await keys.verify(post(key))
    const asked = state.questions
    const health = await keys.health()
    expect(health).toMatchObject({ ok: true, cache: { ok: true, keys: 1, leaseMs: 2_000 } })
    expect(health.cache.ageMs).toBeGreaterThanOrEqual(0)
    expect(state.questions).toBe(asked)
  })

  it('begins to ask, so that a process without traffic becomes healthy by itself', async () => {
    const { store } = breakable(createMemoryStore())
    const keys = open({ store })
    while (!(await keys.health()).ok) await new Promise((resolve) => setTimeout(resolve, 20))
  })

  it('says why the store fails, and when it is back', async () => {
    const { store, state } = breakable(createMemoryStore())
    const keys = open({ store, cache: { leaseMs: 100 } })
    await keys.ready()
    state.isBroken = true
    while ((await keys.health()).ok) await new Promise((resolve) => setTimeout(resolve, 10))
    expect((await keys.health()).store).toEqual({ ok: false, error: 'no route to the database' })
    state.isBroken = false
    while (!(await keys.health()).ok) await new Promise((resolve) => setTimeout(resolve, 10))
  })

  it('knows of a limiter that goes without its server, without taking it for an outage', async () => {
    const { limiter, tell } = createToldLimiter()
    const keys = open({ limiter })
    tell({ state: 'degraded', error: new Error('Redis is away') })
    expect(await keys.health()).toMatchObject({ ok: true, limiter: { ok: false, error: 'Redis is away' } })
    tell({ state: 'recovered' })
    expect((await keys.health()).limiter).toEqual({ ok: true })
  })

  it('is not well when the keys are closed', async () => {
    const keys = open({})
    await keys.close()
    expect(await keys.health()).toMatchObject({ ok: false, store: { ok: false } })
  })

  it('notices a file that is gone', async () => {
    const path = newFile()
    const keys = open({ store: createSqlStore({ url: `sqlite:${path}` }) })
    await keys.ready()
    expect((await keys.health()).ok).toBe(true)
    renameSync(path, `${path}.away`)
    while ((await keys.health()).ok) await new Promise((resolve) => setTimeout(resolve, 10))
    expect((await keys.health()).store.error).toMatch(/put it back/)
  })
})

describe('flush', () => {
  it('stores what has been counted, of which health knows the number', async () => {
    const store = createMemoryStore()
    const keys = open({ store })
    const { key, writeKey } = await keys.create({ name: 'Web', sourceType: 'web' })
    await keys.verify(post(key))
    await keys.verify(post(key))
    expect((await keys.health()).usage).toEqual({ ok: true, unsent: 2 })
    await keys.flush()
    expect((await keys.health()).usage).toEqual({ ok: true, unsent: 0 })
    expect((await store.usage?.lastEvents([writeKey.id]))?.has(writeKey.id)).toBe(true)
  })

  it('keeps what the store does not take, and says so', async () => {
    const inner = createMemoryStore()
    let isBroken = true
    const usage = {
      ...(inner.usage as NonNullable<KeyStore['usage']>),
      add(batch: Parameters<NonNullable<KeyStore['usage']>['add']>[0]) {
        if (isBroken) throw new Error('disk full')
        return inner.usage?.add(batch)
      },
    }
    const keys = open({ store: { ...inner, usage } })
    const { key } = await keys.create({ name: 'Web', sourceType: 'web' })
    await keys.verify(post(key))
    await keys.flush()
    expect(await keys.health()).toMatchObject({
      ok: true,
      usage: { ok: false, error: 'disk full', unsent: 1 },
    })
    isBroken = false
    await keys.flush()
    expect((await keys.health()).usage).toEqual({ ok: true, unsent: 0 })
  })
})

import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { Redis } from 'ioredis'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createWriteKeys, type Health, type WriteKeysOptions } from '../../src/index.ts'
import { generateSecret } from '../../src/keys/secret.ts'
import { createRedisLimiter } from '../../src/redis/index.ts'
import { createSqlStore } from '../../src/stores/sql/index.ts'
import { basic } from '../../src/testing/adapter/golden/golden-request.ts'
import { createOwnRedis, type OwnRedis } from '../redis/own-redis.ts'
import { describeWithService } from '../services.ts'
import { postgresDatabase } from '../stores/sql/databases.ts'
import { startProxy, type TcpProxy } from './processes/proxy.ts'

type Part = 'store' | 'limiter' | 'hints' | 'usage' | 'none'

/** The rows of the table: what happened → what the log says and which part `health()` names. */
const rows = new Map(
  readFileSync(new URL('../../docs/troubleshooting.md', import.meta.url), 'utf8')
    .split('## When a part fails')[1]
    ?.split('\n')
    .filter((line) => /^\| [A-Z]/.test(line))
    .map((line) => line.split('|').map((cell) => cell.trim().replaceAll('`', '')))
    .map(([, fault, log, part]) => [fault as string, { log: log as string, part: part as Part }]),
)
const tried = new Set<string>()
afterAll(() => {
  expect([...tried].toSorted()).toEqual([...rows.keys()].toSorted())
})

/** Write keys with what they log, and one key that has been used. */
async function open(options: WriteKeysOptions) {
  const lines: string[] = []
  const log = ({ err }: { err?: Error }, message: string) =>
    void lines.push([message, err?.message, (err?.cause as Error | undefined)?.message].join(': '))
  const keys = createWriteKeys({
    cache: { leaseMs: 300 },
    usage: { flushMs: 100 },
    ...options,
    logger: { error: log, warn: log },
  })
  onTestFinished(() => keys.close())
  const { key, writeKey } = await keys.create({ name: 'Sender', sourceType: 'other', rateLimitEps: 100 })
  const send = async () => {
    const verdict = await keys.verify({
      method: 'POST',
      path: '/v1/track',
      headers: { authorization: basic(key) },
      body: { event: 'a' },
    })
    return verdict.ok ? 200 : verdict.reply.status
  }
  expect(await send()).toBe(200)
  return { keys, send, lines, id: writeKey.id }
}
type Opened = Awaited<ReturnType<typeof open>>

/** Causes a fault and looks at what its row says, then mends it and waits until all is well. */
async function look(
  fault: string,
  { keys, send, lines }: Opened,
  { cause, mend }: { cause(): unknown; mend?(): unknown },
): Promise<void> {
  const row = rows.get(fault)
  if (row === undefined) throw new Error(`docs/troubleshooting.md has no row: ${fault}`)
  tried.add(fault)
  await cause()
  const seen = async () => {
    await send()
    return lines.some((line) => line.toLowerCase().includes(row.log.toLowerCase()))
  }
  await expect.poll(seen, { timeout: 15_000, message: `${fault}: ${lines.join('\n')}` }).toBe(true)
  if (row.part !== 'none') {
    const part = row.part as keyof Omit<Health, 'ok'>
    const health = async () => (await keys.health())[part]
    await expect.poll(health, { timeout: 10_000 }).toMatchObject({ ok: false, error: /./ })
  }
  if (mend === undefined) return
  await mend()
  const wholeAgain = async () => {
    const status = await send()
    const { store, limiter, hints, usage } = await keys.health()
    return [status, store.ok, limiter.ok, hints.ok, usage.ok]
  }
  await expect.poll(wholeAgain, { timeout: 15_000 }).toEqual([200, true, true, true, true])
}

describeWithService(
  'postgres',
  'faults of the database, as docs/troubleshooting.md tells them',
  (address) => {
    async function openDatabase(options: WriteKeysOptions = {}) {
      const url = await postgresDatabase(address)
      const { hostname, port } = new URL(url)
      const proxy: TcpProxy = await startProxy(hostname, Number(port || 5432))
      onTestFinished(() => proxy.close())
      const proxied = new URL(url)
      proxied.hostname = '127.0.0.1'
      proxied.port = String(proxy.port)
      const opened = await open({ store: createSqlStore({ url: proxied.href }), ...options })
      const admin = new pg.Client({ connectionString: url })
      await admin.connect()
      onTestFinished(() => admin.end())
      return { ...opened, proxy, proxied, admin, run: (statement: string) => admin.query(statement) }
    }

    it('one that is away, or hangs', async () => {
      const opened = await openDatabase()
      const { proxy, send } = opened
      await look('The database refuses connections', opened, {
        cause: async () => {
          proxy.cut(true)
          await expect.poll(send, { timeout: 10_000 }).toBe(503)
        },
        mend: () => proxy.cut(false),
      })
      opened.lines.length = 0
      await look('The database hangs, or the network swallows packets', opened, {
        cause: async () => {
          proxy.blackhole(true)
          await expect.poll(send, { timeout: 10_000 }).toBe(503)
        },
        mend: () => proxy.blackhole(false),
      })
      // A write for the debugger that met the silence ends after 15 seconds.
      await expect.poll(() => opened.lines.join('\n'), { timeout: 60_000 }).toContain('the store is back')
    })

    it('one that tells another history, or has other tables', async () => {
      const opened = await openDatabase()
      const { run } = opened
      await look('The database was restored or failed over', opened, {
        cause: () =>
          run(
            `update writekey_meta set mark = 'anothermark12345'; update writekey_changes set mark = 'anothermark12345'`,
          ),
        mend: () => {},
      })
      const version =
        'update writekey_meta set schema_version = schema_version + $, compatible_version = compatible_version + $'
      await look('A newer release made the tables', opened, {
        cause: () => run(version.replaceAll('$', '100')),
        mend: () => run(version.replaceAll('$', '-100')),
      })
      await look('The tables were dropped, or the URL names another database', await noMigration(opened), {
        cause: () => againstDeadlocks(() => run('drop table writekey_keys, writekey_secrets, writekey_meta')),
      })
    })

    /** The store reads the tables meanwhile, in another order: the database ends one of the two. */
    async function againstDeadlocks(change: () => Promise<unknown>): Promise<void> {
      const hasDeadlock = (error: unknown) => (error as { code?: unknown }).code === '40P01'
      for (;;) {
        const failed = await change().then(
          () => undefined,
          (error: unknown) => error,
        )
        if (failed === undefined) return
        if (!hasDeadlock(failed)) throw failed
      }
    }

    /** A store that leaves the tables to others. */
    async function noMigration({ proxied }: { proxied: URL }) {
      return open({ store: createSqlStore({ url: proxied.href, autoMigrate: false }) })
    }

    it('one whose user may not write counts, or whose listening connection ends', async () => {
      const opened = await openDatabase()
      const { run, lines } = opened
      await look('The user may not write counts', opened, {
        cause: () =>
          run(`create function no() returns trigger language plpgsql as $$ begin raise insufficient_privilege; end $$;
        create trigger no before insert or update on writekey_usage for each row execute function no()`),
        mend: () => run('drop trigger no on writekey_usage'),
      })
      lines.length = 0
      await look("The database's disk is full", opened, {
        cause: () =>
          run(`create function full_disk() returns trigger language plpgsql as $$ begin raise disk_full; end $$;
        create trigger full_disk before insert or update on writekey_usage for each row execute function full_disk()`),
        mend: () => run('drop trigger full_disk on writekey_usage'),
      })
      lines.length = 0
      await look('The connection that listens for changes is lost', opened, {
        cause: () =>
          run(`select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and query ilike 'listen%'`),
        mend: () => {},
      })
    })

    it('one whose user has no rights on a table that an update has brought', async () => {
      const url = await postgresDatabase(address)
      const store = createSqlStore({ url })
      await store.migrate()
      await store.close()
      const admin = new pg.Client({ connectionString: url })
      await admin.connect()
      onTestFinished(() => admin.end())
      await admin.query(`create function no() returns trigger language plpgsql as $$ begin raise insufficient_privilege; end $$;
        create trigger no before delete on writekey_sightings for each statement execute function no()`)
      const opened = await open({ store: createSqlStore({ url }), usage: { flushMs: 200 } })
      await look('An update brought a table, and the user has no rights on it', opened, { cause: () => {} })
    })

    it('keys made with a pepper that this process lacks', async () => {
      const url = await postgresDatabase(address)
      const store = () => createSqlStore({ url })
      const peppered = await open({ store: store(), pepper: 'the pepper of the others' })
      const without = createPlain(store())
      await look(
        'Keys were made with a pepper that this process lacks',
        { ...peppered, ...without },
        { cause: () => {} },
      )
    })

    /** Has no key of its own: it is sent one that others have made. */
    function createPlain(store: WriteKeysOptions['store']) {
      const lines: string[] = []
      const log = (_: object, message: string) => void lines.push(message)
      const keys = createWriteKeys({ ...(store && { store }), logger: { error: log, warn: log } })
      onTestFinished(() => keys.close())
      const authorization = basic(generateSecret('sk_live_'))
      const send = async () => {
        const verdict = await keys.verify({ method: 'POST', path: '/v1/track', headers: { authorization } })
        return verdict.ok ? 200 : verdict.reply.status
      }
      return { keys, send, lines }
    }
  },
)

describeWithService('redis', 'faults of Redis, as docs/troubleshooting.md tells them', () => {
  let redis: OwnRedis
  let proxy: TcpProxy
  let admin: Redis
  beforeAll(async () => {
    redis = await createOwnRedis()
    await redis.start('--maxmemory-policy', 'noeviction')
    proxy = await startProxy('127.0.0.1', redis.port)
    admin = new Redis(redis.url)
  })
  afterAll(async () => {
    admin?.disconnect()
    await proxy?.close()
    await redis?.kill()
  })

  it.each([
    ['Redis refuses connections', () => proxy.cut(true), () => proxy.cut(false)],
    ['Redis hangs', () => proxy.blackhole(true), () => proxy.blackhole(false)],
    ['Redis became a replica', () => admin.replicaof('127.0.0.1', '1'), () => admin.replicaof('NO', 'ONE')],
    [
      'Redis is full',
      () => admin.config('SET', 'maxmemory', '1'),
      () => admin.config('SET', 'maxmemory', '0'),
    ],
    [
      "Redis refuses this user's commands",
      () => admin.acl('SETUSER', 'app', 'reset', 'on', '>secret', '+ping', '+info'),
      () => admin.acl('SETUSER', 'app', 'reset', 'on', '>secret', '~*', '&*', '+@all'),
    ],
  ] as const)('%s', async (fault, cause, mend) => {
    await admin.acl('SETUSER', 'app', 'reset', 'on', '>secret', '~*', '&*', '+@all')
    const client = new Redis(`redis://app:secret@127.0.0.1:${proxy.port}`, { retryStrategy: () => 50 })
    client.on('error', () => {})
    onTestFinished(() => client.disconnect())
    await once(client, 'ready')
    const limiter = createRedisLimiter({ client, processes: 1, mode: 'strict' })
    const opened = await open({ limiter })
    await look(fault, opened, { cause, mend })
    expect(opened.lines.some((line) => line.includes('the shared limiter is back'))).toBe(true)
  })
})

describe('the table of faults', () => {
  it('is read', () => {
    expect(rows.size).toBe(15)
  })
})

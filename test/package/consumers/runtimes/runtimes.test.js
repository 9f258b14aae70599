import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { listKeys, sendEvents } from './requests.js'

const answers = [200, 200, 401, 204]
const bin = (name) => `node_modules/.bin/${name}`
const cli = 'node_modules/writekey/dist/cli/bin.js'
const runtimes = {
  node: [process.execPath],
  bun: [bin('bun')],
  deno: [bin('deno'), 'run', '-A', '--node-modules-dir=manual', '--quiet'],
}

/** A database of this run's own. */
const database = `writekey_runtimes_${process.pid}`
const services = {
  postgres: {
    port: 5432,
    url: `postgres://postgres@127.0.0.1/${database}`,
    async query(sql) {
      const client = new pg.Client('postgres://postgres@127.0.0.1/postgres')
      await client.connect()
      await client.query(sql)
      await client.end()
    },
  },
  mysql: {
    port: 3306,
    url: `mysql://root@127.0.0.1/${database}`,
    async query(sql) {
      const connection = await mysql.createConnection('mysql://root@127.0.0.1')
      await connection.query(sql)
      await connection.end()
    },
  },
  redis: { port: 6379, url: 'redis://127.0.0.1:6379', async query() {} },
}

const isReachable = (port) =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('error', () => resolve(false))
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
  })

const found = {}
for (const [name, { port, url }] of Object.entries(services)) {
  if (await isReachable(port)) found[name] = url
  else if (process.env.REQUIRE_SERVICES === '1') throw new Error(`no ${name} on port ${port}`)
  else console.log(`skipped: no ${name} on port ${port}`)
}
const onEach = (sql) => Promise.all(Object.keys(found).map((name) => services[name].query(sql)))
before(() => onEach(`create database ${database}`))
after(() => onEach(`drop database ${database}`))

for (const [name, [command, ...args]] of Object.entries(runtimes)) {
  const run = async (...more) => (await promisify(execFile)(command, [...args, ...more], { env })).stdout
  const stores = [found.postgres, found.mysql].filter(Boolean)
  const env = {
    ...process.env,
    RUNTIME_STORES: stores.join(' '),
    ...(found.redis && { RUNTIME_REDIS: found.redis }),
  }

  test(`${name} runs adapters, stores, the limiter and the management API`, async () => {
    const { web, counted, ...seen } = JSON.parse(await run('life.js'))
    if (name !== 'node') assert.deepEqual(web, { hono: answers, fetch: answers, keys: ['Web'] })
    assert.equal(counted, name === 'node' ? 6 : 10)
    assert.deepEqual(seen, {
      express: answers,
      management: ['Web'],
      node: answers,
      guardListener: answers,
      sqlite: [true, false],
      ...(found.postgres && { postgres: [true, false] }),
      ...(found.mysql && { mysql: [true, false] }),
      ...(found.redis && { redis: [true, false] }),
    })
  })

  // Node's own servers are tested with the sources.
  for (const adapter of name === 'node' ? [] : ['fetch', 'hono', 'node']) {
    test(`${name} passes the suite for adapters with writekey/${adapter}`, async () => {
      const lines = (await run('contract.js', adapter)).trim().split('\n')
      const { count, failed } = JSON.parse(lines.at(-1))
      assert.ok(count > 700, `${count} tests`)
      assert.deepEqual(failed, {})
    })
  }

  test(`${name} runs the command`, async () => {
    const file = `./shell-${name}.db`
    const store = ['--store', `sqlite:${file}`]
    await run(cli, 'migrate', ...store)
    const fields = ['--name', 'Shell', '--source-type', 'server', '--json']
    const created = JSON.parse(await run(cli, 'create', ...store, ...fields))
    assert.match(created.key, /^sk_live_/)
    assert.match(await run(cli, 'list', ...store), /Shell/)
  })
}

test('workerd runs the web-standard adapters and the management API, and stores counts by flush()', async () => {
  const serving = spawn(bin('workerd'), ['serve', 'workerd.capnp', '--control-fd=3'], {
    stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
  })
  try {
    const [line] = await once(createInterface({ input: serving.stdio[3] }), 'line')
    const url = `http://127.0.0.1:${JSON.parse(line).port}`
    const key = await (await fetch(`${url}/key`)).text()
    assert.deepEqual(await sendEvents(`${url}/hono/track`, key), answers)
    assert.deepEqual(await sendEvents(`${url}/fetch/track`, key), answers)
    assert.deepEqual(await listKeys(url), ['Web'])
    assert.equal(await (await fetch(`${url}/counted`)).json(), 4)
  } finally {
    serving.kill()
  }
})

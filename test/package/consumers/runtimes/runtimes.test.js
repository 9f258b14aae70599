import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { startTarget, tryForwarding } from './forwarding.js'
import { leaveAll, moments } from './leaving-clients.js'
import { listKeys, sendEvents } from './requests.js'
import { serverKey } from './web-app.js'

const answers = [200, 200, 401, 204]
/** By the target: the event with the key of the server. It follows no redirect, and gets nothing of a body that never ends. */
const forwardedFrom = (address) => ({
  statuses: [200, 503, 408],
  calls: 2,
  path: '/v1/track',
  authorization: `Basic ${btoa(`${serverKey}:`)}`,
  address,
  leaked: [],
  event: 'x',
})
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
    if (name !== 'node') {
      const forwarded = forwardedFrom('127.0.0.1')
      assert.deepEqual(web, { hono: answers, fetch: answers, keys: ['Web'], forwarded, guarded: forwarded })
    }
    assert.equal(counted, name === 'node' ? 6 : 11)
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

  if (name !== 'node') {
    test(`${name} takes requests whose host it cannot read, with writekey/fetch`, async () => {
      const { forbidden, misleading, inPath, admin, ...good } = JSON.parse(await run('odd-hosts.js'))
      assert.deepEqual([forbidden, misleading, inPath, admin], [400, 400, ['batch', 'a'], 200])
      for (const [host, seen] of Object.entries(good)) assert.deepEqual(seen, ['page', 'a'], host)
    })
  }

  const nodeServers = ['node', 'http2', 'guardListener', 'express', 'koa', 'fastify']
  for (const server of name === 'node' ? nodeServers : [...nodeServers, 'fetch', 'hono']) {
    test(`${name} outlives clients that leave, with ${server}`, async () => {
      const serving = spawn(command, [...args, 'leaving.js', server], { stdio: 'pipe' })
      const written = text(serving.stderr)
      const ended = once(serving, 'exit').then(([code]) => `ended with ${code}`)
      const lines = createInterface({ input: serving.stdout })
      const nextLine = () => Promise.race([once(lines, 'line'), ended])
      try {
        const [line] = await nextLine()
        const target = { ...JSON.parse(line), isHttp2: server === 'http2', nextHandled: nextLine }
        for (const [moment, leaving] of Object.entries(moments)) {
          const next = await Promise.race([leaveAll(target, leaving), ended])
          assert.equal(next, 200, `after clients that left ${moment}: ${next === 200 || (await written)}`)
        }
        serving.stdin.end()
        assert.equal(await ended, 'ended with 0')
      } finally {
        serving.kill()
      }
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

/** It says each of its ports in a line on descriptor 3. */
function serveWorker(config, env = {}) {
  return spawn(bin('workerd'), ['serve', config, '--control-fd=3'], {
    stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
    env: { ...process.env, ...env },
  })
}

async function urlOf(serving) {
  const [line] = await once(createInterface({ input: serving.stdio[3] }), 'line')
  return `http://127.0.0.1:${JSON.parse(line).port}`
}

test('workerd runs the web-standard adapters, the management API and forwarders, and stores counts by flush()', async () => {
  const target = await startTarget()
  const serving = serveWorker('workerd.capnp', { TARGET: target.url })
  try {
    const url = await urlOf(serving)
    const key = await (await fetch(`${url}/key`)).text()
    assert.deepEqual(await sendEvents(`${url}/hono/track`, key), answers)
    assert.deepEqual(await sendEvents(`${url}/fetch/track`, key), answers)
    assert.deepEqual(await listKeys(url), ['Web'])
    const forwarded = forwardedFrom('203.0.113.9')
    for (const at of ['forwarded', 'guarded'])
      assert.deepEqual(await tryForwarding(`${url}/${at}`, key, target), forwarded)
    assert.equal(await (await fetch(`${url}/counted`)).json(), 5)
  } finally {
    target.close()
    serving.kill()
  }
})

test('workerd takes keys, guards and the management API that are made while a module loads', async () => {
  const serving = serveWorker('loading.capnp')
  try {
    const url = await urlOf(serving)
    const key = await (await fetch(`${url}/key`)).text()
    assert.deepEqual(await sendEvents(`${url}/hono/track`, key), answers)
    assert.deepEqual(await sendEvents(`${url}/fetch/track`, key), answers)
    assert.deepEqual(await listKeys(url), ['Web'])
  } finally {
    serving.kill()
  }
})

/** More than the servers of the suite that run at the same time. */
const slots = Array.from({ length: 24 }, (_, slot) => slot)
const toSocket = (slot) =>
  `    (name = "${slot}", address = "127.0.0.1:0", http = (), service = (name = "main", props = (json = "{\\"slot\\":${slot}}"))),\n`

test('workerd passes the suite for adapters with writekey/fetch and writekey/hono', async () => {
  const mark = '    # The test writes one socket for each server here.\n'
  const config = readFileSync('contract.capnp', 'utf8')
  assert.ok(config.includes(mark))
  writeFileSync('contract-sockets.capnp', config.replace(mark, slots.map(toSocket).join('')))
  const serving = serveWorker('contract-sockets.capnp')
  try {
    const ports = new Map()
    for await (const line of createInterface({ input: serving.stdio[3] })) {
      const { socket, port } = JSON.parse(line)
      ports.set(socket, port)
      if (ports.size > slots.length) break
    }
    const sockets = slots.map((slot) => ports.get(String(slot)))
    for (const name of ['fetch', 'hono']) {
      const answer = await fetch(`http://127.0.0.1:${ports.get('run')}/`, {
        method: 'POST',
        body: JSON.stringify({ name, ports: sockets }),
      })
      const { count, failed, skipped } = await answer.json()
      assert.deepEqual(failed, {})
      assert.ok(count > 700, `${count} tests`)
      for (const [test, why] of Object.entries(skipped)) console.log(`skipped with ${name}: ${test}: ${why}`)
    }
  } finally {
    serving.kill()
  }
})

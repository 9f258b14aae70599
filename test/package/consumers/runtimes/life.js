// Run by Node, Bun and Deno: what works is printed as one line of JSON.
import { rmSync } from 'node:fs'
import { createServer } from 'node:http'
import express from 'express'
import { createClient } from 'redis'
import { createWriteKeys } from 'writekey'
import * as forExpress from 'writekey/express'
import { guardListener, writeKeyAuth } from 'writekey/node'
import { createRedisLimiter } from 'writekey/redis'
import { createSqlStore } from 'writekey/sql'
import { startTarget, tryForwarding } from './forwarding.js'
import { listKeys, sendEvents } from './requests.js'
import { createWebApp } from './web-app.js'

const target = await startTarget()
const { app, api, keys, key, writeKey } = await createWebApp(target.url)
const seen = {}

async function look(url) {
  return {
    hono: await sendEvents(`${url}/hono/track`, key),
    fetch: await sendEvents(`${url}/fetch/track`, key),
    keys: await listKeys(url),
    forwarded: await tryForwarding(`${url}/forwarded`, key, target),
    guarded: await tryForwarding(`${url}/guarded`, key, target),
  }
}
if (globalThis.Bun !== undefined) {
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: (request, bun) => app.fetch(request, { ip: bun.requestIP(request)?.address }),
  })
  seen.web = await look(`http://127.0.0.1:${server.port}`)
  await server.stop(true)
}
if (globalThis.Deno !== undefined) {
  const server = Deno.serve({ port: 0, hostname: '127.0.0.1', onListen() {} }, (request, info) =>
    app.fetch(request, { ip: info.remoteAddr.hostname }),
  )
  seen.web = await look(`http://127.0.0.1:${server.addr.port}`)
  await server.shutdown()
}

const expressApp = express()
expressApp.use(forExpress.adminRoutes(api))
expressApp.use('/v1', forExpress.writeKeyAuth(keys))
expressApp.post('/v1/track', (req, res) => res.json(req.body))
const auth = writeKeyAuth(keys)
const listeners = {
  express: expressApp,
  node: (request, response) => auth(request, response, () => response.end()),
  guardListener: guardListener((request, response) => response.end(JSON.stringify(request.body)), keys, {
    path: '/v1',
  }),
}
for (const [name, listener] of Object.entries(listeners)) {
  const server = createServer(listener)
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${server.address().port}`
  seen[name] = await sendEvents(`${url}/v1/track`, key)
  if (name === 'express') seen.management = await listKeys(url)
  server.closeAllConnections()
  server.close()
}

const name = `wk_${crypto.randomUUID().slice(0, 8)}`
const file = `./${name}.db`
for (const url of [`sqlite:${file}`, ...(process.env.RUNTIME_STORES ?? '').split(' ').filter(Boolean)]) {
  const stored = createWriteKeys({ store: createSqlStore({ url, tablePrefix: `${name}_` }) })
  const created = await stored.create({ name: 'Stored', sourceType: 'server' })
  const authorization = `Basic ${btoa(`${created.key}:`)}`
  const request = { method: 'POST', path: '/v1/track', headers: { authorization }, body: {} }
  const before = (await stored.verify(request)).ok
  await stored.revoke(created.writeKey.id)
  seen[url.split(':')[0]] = [before, (await stored.verify(request)).ok]
  await stored.close()
}
for (const end of ['', '-wal', '-shm']) rmSync(file + end, { force: true })

if (process.env.RUNTIME_REDIS !== undefined) {
  const client = createClient({ url: process.env.RUNTIME_REDIS })
  await client.connect()
  const limiter = createRedisLimiter({ client, prefix: `${name}:` })
  const rate = { eps: 1, burst: 2 }
  seen.redis = []
  for (const cost of [2, 1]) seen.redis.push((await limiter.consume('wk_x', cost, rate)).allowed)
  await limiter.close()
  await client.close()
}

target.close()
await keys.flush()
seen.counted = (await keys.usage(writeKey.id)).acceptedTotal
await keys.close()
console.log(JSON.stringify(seen))

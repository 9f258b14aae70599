import { once } from 'node:events'
import { existsSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import Database from 'libsql'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openShell } from './shell.ts'

let folder: string
let before: string

/** `serve` keeps its token below the working directory. */
function enter(path: string) {
  folder = path
  process.chdir(path)
}
beforeEach(() => {
  before = process.cwd()
})
afterEach(() => {
  process.chdir(before)
})

/** A server in a new folder, and the key that its first start makes. */
async function serveAnew(env?: Record<string, string>) {
  const shell = openShell()
  enter(shell.folder)
  const { server, read } = await shell.serve(env)
  const [key] = /sk_live_\w+/.exec(read().out) as unknown as [string]
  return { server, read, key }
}

function basic(key: string) {
  return { authorization: `Basic ${Buffer.from(`${key}:`).toString('base64')}` }
}

describe('writekey serve', () => {
  it('takes what SDKs send, wherever the key stands, and says why it refuses', async () => {
    const shell = openShell()
    enter(shell.folder)
    const { server, read } = await shell.serve()
    const key = /^Write key: +(sk_live_\w+)$/m.exec(read().out)?.[1] as string
    const post = async (path: string, body: unknown) => {
      const answer = await fetch(server.url + path, { method: 'POST', body: JSON.stringify(body) })
      return [answer.status, await answer.json()]
    }
    expect(await post(`/e/${key}`, { name: 'app/a', id: '1' })).toEqual([200, { ids: ['1'], status: 200 }])
    const batch = { writeKey: key, batch: [{ type: 'track', event: 'a' }] }
    expect(await post('/v1/b', batch)).toEqual([200, { success: true, accepted: 1 }])
    expect((await post('/v1/b', { batch: batch.batch }))[0]).toBe(401)
    expect(read().err).toContain('Refused (missing_key): No write key was sent.')
    expect(read().out.split(key)).toHaveLength(3)
    await server.stop()
  })

  it('reads keys at the places of WRITEKEY_CREDENTIALS too, on the paths of SDKs as on those of own types', async () => {
    const send = async (env: Record<string, string>) => {
      const { server, key } = await serveAnew({ WRITEKEY_EVENT_TYPES: 'heartbeat', ...env })
      const post = async (path: string, headers: Record<string, string> = {}) =>
        (await fetch(server.url + path, { method: 'POST', headers, body: '{"name":"a"}' })).status
      const bearer = { authorization: `Bearer ${key}` }
      const statuses = {
        bearer: [await post('/v1/track', bearer), await post('/v1/heartbeat', bearer)],
        header: [await post('/v1/track', { 'x-write-key': key })],
        sdk: [
          await post('/v1/track', basic(key)),
          await post(`/v1/b?writeKey=${key}`),
          await post(`/e/${key}`),
        ],
      }
      await server.stop()
      process.chdir(before)
      return statuses
    }
    expect(await send({ WRITEKEY_CREDENTIALS: 'bearer,header:X-Write-Key' })).toEqual({
      bearer: [200, 200],
      header: [200],
      sdk: [200, 200, 200],
    })
    expect(await send({})).toEqual({ bearer: [401, 401], header: [401], sdk: [200, 200, 200] })
  })

  it('names at / the paths that it answers', async () => {
    const { server, key } = await serveAnew()
    const { ingest, check } = (await (await fetch(server.url)).json()) as { ingest: string[]; check: string }
    expect(ingest).toContain('POST /v1/identify')
    for (const entry of [...ingest, check]) {
      const [method, path] = entry.split(' ') as [string, string]
      const answer = await fetch(server.url + path.replace(':key', key), {
        method,
        headers: path.includes(':key') ? {} : basic(key),
        ...(method === 'POST' && { body: '{"name":"a"}' }),
      })
      expect([entry, answer.ok]).toEqual([entry, true])
    }
    await server.stop()
  })

  it('goes on with a backup that is put in the place of its file, as the recipe says', async () => {
    const shell = openShell()
    enter(shell.folder)
    const { server } = await shell.serve()
    const create = async (name: string) => {
      const made = await shell.runJson(['create', '--name', name, '--source-type', 'server'])
      return made as { id: string; key: string }
    }
    const copyTo = (name: string) => {
      const database = new Database(join(shell.folder, 'keys.db'))
      database.exec(`pragma busy_timeout = 10000; vacuum into '${join(shell.folder, name)}'`)
      database.close()
    }
    const send = async ({ key }: { key: string }) => {
      const answer = await fetch(`${server.url}/v1/track`, {
        method: 'POST',
        headers: basic(key),
        body: '{"event":"a"}',
      })
      return answer.status
    }
    const old = await create('Old')
    copyTo('backup.db')
    const recent = await create('Recent')
    await shell.run(['revoke', old.id, '--yes'])
    await expect.poll(() => send(recent)).toBe(200)
    expect(await send(old)).toBe(401)
    expect(existsSync(join(shell.folder, 'keys.db-wal'))).toBe(true)
    copyTo('kept.db')

    renameSync(join(shell.folder, 'backup.db'), join(shell.folder, 'keys.db'))
    await expect.poll(() => send(old)).toBe(200)
    expect(await send(recent)).toBe(401)
    await shell.run(['revoke', old.id, '--yes'])
    expect(await send(old)).toBe(401)
    expect(await send(await create('New'))).toBe(200)
    await server.stop()

    for (const name of ['keys.db-wal', 'keys.db-shm']) rmSync(join(shell.folder, name), { force: true })
    renameSync(join(shell.folder, 'kept.db'), join(shell.folder, 'keys.db'))
    const { data } = await shell.runJson(['list'])
    expect(data.map(({ name }: { name: string }) => name)).toEqual(['Recent', 'Old', 'Demo'])
  })

  it('blames the missing pepper, and not the database, for keys that it cannot judge', async () => {
    const shell = openShell()
    enter(shell.folder)
    const { server, read } = await shell.serve({ WRITEKEY_ADMIN_TOKEN: 'a-token-for-this-server-alone-0123' })
    const introduced = openShell({
      WRITEKEY_STORE: `sqlite:${join(shell.folder, 'keys.db')}`,
      WRITEKEY_PEPPER: 'introduced-here,null',
    })
    const made = await introduced.run(['create', '--name', 'Web', '--source-type', 'web'])
    const secret = made.out.trim()
    const post = () =>
      fetch(`${server.url}/v1/track`, { method: 'POST', headers: basic(secret), body: '{"event":"a"}' })
    await expect.poll(async () => (await post()).status, { timeout: 10_000 }).toBe(503)
    await expect
      .poll(() => read().err)
      .toMatch(/Refused \(store_unavailable\): Nobody seems to have this key/)
    expect(read().err).toMatch(/add it to the option pepper/)
    expect(read().err).not.toContain('Look at the database')
    await server.stop()
  })

  it('answers probes: alive while it runs, ready while its store answers, and tells strangers no more', async () => {
    const shell = openShell()
    enter(shell.folder)
    const { server } = await shell.serve()
    const probe = async (path: string, method = 'GET') => {
      const answer = await fetch(server.url + path, { method })
      return [answer.status, await answer.text()] as const
    }
    const ok = { ok: true }
    // On a busy machine the lease of 100 ms may have run out just then.
    await expect
      .poll(async () => JSON.parse((await probe('/readyz'))[1]), { timeout: 10_000 })
      .toEqual({ ok: true, store: ok, limiter: ok, hints: ok, cache: ok, usage: ok })
    expect((await probe('/readyz'))[0]).toBe(200)
    expect(await probe('/healthz?verbose', 'HEAD')).toEqual([200, ''])
    expect((await probe('/readyz', 'POST'))[0]).toBe(405)

    const database = new Database(join(shell.folder, 'keys.db'))
    database.exec('DROP TABLE writekey_secrets; DROP TABLE writekey_keys; DROP TABLE writekey_meta')
    database.close()
    await expect.poll(async () => (await probe('/readyz'))[0], { timeout: 10_000 }).toBe(503)
    const broken = JSON.parse((await probe('/readyz'))[1])
    expect([broken.ok, broken.store]).toEqual([false, { ok: false }])
    expect(await probe('/healthz')).toEqual([200, '{"ok":true}\n'])
    await server.stop()
  })

  it('prints a link that signs in once', async () => {
    const shell = openShell()
    enter(shell.folder)
    const { server, read } = await shell.serve()
    const code = /#code=([\w-]+)$/m.exec(read().out)?.[1] as string
    const exchange = async (body: string) => {
      const answer = await fetch(`${server.url}/api/v1/events/sign-in`, { method: 'POST', body })
      return [answer.status, (await answer.json()) as { token?: string }] as const
    }
    expect((await exchange('x'.repeat(32)))[0]).toBe(401)
    expect((await exchange('x'.repeat(5_000)))[0]).toBe(401)
    const [status, { token }] = await exchange(code)
    expect(status).toBe(200)
    expect((await exchange(code))[0]).toBe(401)
    const session = (bearer: string | undefined) =>
      fetch(`${server.url}/api/v1/events/session`, { headers: { authorization: `Bearer ${bearer}` } })
    expect(await (await session(token)).json()).toMatchObject({ name: 'terminal', role: 'admin' })
    expect((await session(code)).status).toBe(401)
    await server.stop()
  })

  it('brings keys, a month of traffic and live events with --demo, in memory', async () => {
    const shell = openShell({ WRITEKEY_ADMIN_TOKEN: 'a'.repeat(40) })
    enter(shell.folder)
    const { server } = await shell.serve({}, ['--demo'])
    const call = async (path: string) =>
      (
        await fetch(`${server.url}/api/v1/events/${path}`, {
          headers: { authorization: `Bearer ${'a'.repeat(40)}` },
        })
      ).json() as Promise<{ total: { accepted: number; refused: number }; data: { group?: string }[] }>
    const { total, data } = await call('usage?window=30d&group_by=workspace')
    expect(total.accepted).toBeGreaterThan(100_000)
    expect(total.refused).toBeGreaterThan(100)
    expect(data.map(({ group }) => group)).toEqual(expect.arrayContaining(['acme', 'globex', 'initech']))
    await expect
      .poll(async () => (await call('debugger')).data.length, { timeout: 15_000 })
      .toBeGreaterThan(2)
    expect(existsSync(join(shell.folder, 'keys.db'))).toBe(false)
    await server.stop()
  })

  it('prints a key, a token and a curl command once, and each accepted event as a line', async () => {
    const shell = openShell()
    enter(shell.folder)
    const { server, read } = await shell.serve()
    const greeting = read().out
    const key = /^Write key: +(sk_live_\w+)$/m.exec(greeting)?.[1] as string
    const token = /^Management token: +([0-9a-f]{64})$/m.exec(greeting)?.[1] as string
    expect(greeting).toContain(`curl -u '${key}:' ${server.url}/v1/track`)

    const send = (path: string, body: unknown) =>
      fetch(`${server.url}${path}`, { method: 'POST', headers: basic(key), body: JSON.stringify(body) })
    const answer = await send('/v1/track', { event: 'Hello', userId: 'you' })
    expect([answer.status, await answer.json()]).toEqual([200, { success: true, accepted: 1 }])
    for (const path of ['/v1/t', '/v1/i', '/v1/identify', '/v1/p', '/v1/s', '/v1/g', '/v1/alias/', '/v1/A']) {
      expect((await send(path, {})).status).toBe(200)
    }
    await send('/v1/batch', { batch: [{ type: 'page' }, { type: 'screen' }] })
    const lines = read()
      .out.slice(greeting.length)
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines[0]).toEqual({
      type: 'track',
      event: 'Hello',
      userId: 'you',
      write_key_id: expect.stringMatching(/^wk_/),
      write_key_name: 'Demo',
      source_type: 'other',
    })
    expect(lines.map(({ type }) => type)).toEqual([
      'track',
      'track',
      'identify',
      'identify',
      'page',
      'screen',
      'group',
      'alias',
      'alias',
      'page',
      'screen',
    ])

    expect((await send('/v1/nothing', {})).status).toBe(404)
    expect((await fetch(`${server.url}/v1/track`, { method: 'POST', body: '{}' })).status).toBe(401)
    expect((await fetch(`${server.url}/v1/track`, { headers: basic(key) })).status).toBe(200)
    expect(await (await fetch(server.url)).json()).toMatchObject({ name: 'writekey' })

    const manage = (auth: string) =>
      fetch(`${server.url}/api/v1/events/write-keys`, { headers: { authorization: `Bearer ${auth}` } })
    const listed = await manage(token)
    expect(await listed.json()).toMatchObject({ data: [{ name: 'Demo', events_24h: 11 }] })
    expect((await manage(key)).status).toBe(401)
    expect((await manage(token.replace(/.$/, (last) => (last === '0' ? '1' : '0')))).status).toBe(401)
  })

  it('keeps keys and token over a restart, and shows neither again', async () => {
    const shell = openShell()
    enter(shell.folder)
    const first = await shell.serve()
    const [key] = /sk_live_\w+/.exec(first.read().out) as unknown as [string]
    const [token] = /[0-9a-f]{64}/.exec(first.read().out) as unknown as [string]
    await first.server.stop()

    const file = join(folder, '.data', 'admin-token.sha256')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readFileSync(file, 'utf8')).not.toContain(token)

    const second = await shell.serve()
    expect(second.read().out).not.toMatch(new RegExp(`${key}|${token}`))
    const sent = await fetch(`${second.server.url}/v1/track`, {
      method: 'POST',
      headers: basic(key),
      body: '{}',
    })
    expect(sent.status).toBe(200)
    const listed = await fetch(`${second.server.url}/api/v1/events/write-keys`, {
      headers: { authorization: `Bearer ${token}` },
    })
    expect(listed.status).toBe(200)
  })

  it('takes its management token from the environment, and refuses a short one', async () => {
    const shell = openShell()
    enter(shell.folder)
    const token = 'x'.repeat(32)
    const { server, read } = await shell.serve({ WRITEKEY_ADMIN_TOKEN: token })
    expect(read().out).not.toContain(token)
    const headers = { authorization: `Bearer ${token}` }
    expect((await fetch(`${server.url}/api/v1/events/write-keys`, { headers })).status).toBe(200)

    const refused = await openShell().serve({ WRITEKEY_ADMIN_TOKEN: 'short' })
    expect([refused.code, refused.read().err]).toEqual([2, expect.stringContaining('at least 32 characters')])
  })

  it.each(['abc', '-1', '65536', '3000.5', ''])('refuses PORT=%j with a clear message', async (port) => {
    const shell = openShell()
    enter(shell.folder)
    const { code, read } = await shell.serve({ PORT: port })
    expect([code, read().err]).toEqual([
      2,
      `writekey: PORT must be a whole number from 0 to 65535; received ${JSON.stringify(port)}.\n`,
    ])
  })

  it('says so when the port is taken', async () => {
    const shell = openShell()
    enter(shell.folder)
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    const { port } = taken.address() as { port: number }
    const { code, read } = await shell.serve({ PORT: String(port) })
    expect([code, read().err]).toEqual([
      3,
      `writekey: Port ${port} is in use. Choose another one with --port or PORT.\n`,
    ])
    await new Promise((resolve) => taken.close(resolve))
  })

  it('does not wait for connections that become idle while it stops', async () => {
    const { server, key } = await serveAnew()
    const { port } = new URL(server.url)
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const post = () =>
      request({ host: '127.0.0.1', port, method: 'POST', path: '/v1/track', headers: basic(key), agent })
    const sending = post()
    sending.write('{"event":')
    await expect.poll(() => sending.socket?.connecting).toBe(false)
    // The server has the request.
    await fetch(`${server.url}/healthz`)
    const startedAt = performance.now()
    const stopped = server.stop()
    sending.end('"late"}')
    const [answer] = await once(sending, 'response')
    expect([answer.statusCode, answer.headers.connection]).toEqual([200, 'close'])
    answer.resume()
    await stopped
    expect(performance.now() - startedAt).toBeLessThan(3_000)
    agent.destroy()
  })

  it.each([
    ['nothing', ''],
    ['half of its headers', 'POST /v1/track HTTP/1.1\r\nHost: localhost\r\nAuthor'],
    ['half of those of a second request', 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /he'],
  ])('does not wait for a connection that has sent %s', async (_, sent) => {
    const { server } = await serveAnew()
    const silent = connect(Number(new URL(server.url).port), '127.0.0.1')
    await once(silent, 'connect')
    silent.write(sent)
    // The server has accepted it.
    await fetch(`${server.url}/healthz`)
    const startedAt = performance.now()
    await Promise.all([server.stop(), once(silent.resume(), 'close')])
    // Less than what requests are given.
    expect(performance.now() - startedAt).toBeLessThan(4_000)
  })

  it('ends streams of the debugger when it stops', async () => {
    const token = 'a-management-token-of-this-test-alone'
    const { server, key } = await serveAnew({ WRITEKEY_ADMIN_TOKEN: token })
    const stream = await fetch(`${server.url}/api/v1/events/debugger`, {
      headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream' },
    })
    const text = stream.text()
    const body = '{"event":"Signed Up"}'
    await fetch(`${server.url}/v1/track`, { method: 'POST', headers: basic(key), body })
    const startedAt = performance.now()
    await server.stop()
    expect(performance.now() - startedAt).toBeLessThan(3_000)
    // A whole answer: nothing was cut off.
    expect(await text).toMatch(/^: hello\n\n/)
  })

  it('answers what is under way before it stops', async () => {
    const { server, read, key } = await serveAnew()
    const { port } = new URL(server.url)
    const headers = { ...basic(key), expect: '100-continue' }
    const sending = request({
      host: '127.0.0.1',
      port,
      method: 'POST',
      path: '/v1/track',
      headers,
      agent: false,
    })
    // The server has the request, and waits for its body.
    sending.flushHeaders()
    await once(sending, 'continue')
    sending.write('{"event":')
    const stopped = server.stop()
    sending.end('"late"}')
    const [answer] = await once(sending, 'response')
    expect(answer.statusCode).toBe(200)
    answer.resume()
    await stopped
    expect(read().out).toContain('"event":"late"')
    await expect(fetch(server.url)).rejects.toThrow()
  })
})

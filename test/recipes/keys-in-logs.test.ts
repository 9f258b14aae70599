import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import express from 'express'
import type { FastifyInstance } from 'fastify'
import { afterEach, describe, expect, it } from 'vitest'
import { writeKeyAuth } from '../../adapters/express.ts'
import { writeKeyAuth as writeKeyPlugin } from '../../adapters/fastify.ts'
import { createWriteKeys } from '../../src/index.ts'
import { generateSecret } from '../../src/keys/secret.ts'
import { blockWith, runModule } from '../docs/running-blocks.ts'
import { load } from '../neighbours/neighbour.ts'
import { serve } from '../neighbours/served.ts'

const page = 'docs/recipes/keys-in-logs.md'
const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

/** Sends a good key in a header, a parameter and a path, and one that nobody knows. */
async function sendEverywhere(url: string, key: string): Promise<void> {
  const body = JSON.stringify({ type: 'track', event: 'Signed Up' })
  const send = async (path: string, headers: Record<string, string> = {}) => {
    const { status } = await fetch(url + path, {
      method: 'POST',
      headers: { 'content-type': 'text/plain', ...headers },
      body,
    })
    return status
  }
  expect(await send('/v1/track', { 'x-write-key': key })).toBe(200)
  expect(await send('/v1/track', { authorization: `Basic ${btoa(`${key}:`)}` })).toBe(200)
  expect(await send(`/v1/track?writeKey=${key}`)).toBe(200)
  expect(await send(`/v1/e/${key}`)).toBe(200)
  expect(await send(`/v1/e/${generateSecret('sk_live_')}`)).toBe(401)
}

async function createSender() {
  const keys = createWriteKeys({ credentials: ['basic', 'header', 'query', { path: '/e/:key' }] })
  closers.push(() => keys.close())
  const { key } = await keys.create({ name: 'Sender', sourceType: 'other' })
  return { keys, key }
}

async function startApp(log: express.RequestHandler) {
  const { keys, key } = await createSender()
  const app = express()
  app.use(log)
  app.use('/v1', writeKeyAuth(keys), (_, res) => void res.json({}))
  const { url, close } = await serve(app)
  closers.push(close)
  return { url, key }
}

function collectLines() {
  const lines: string[] = []
  const stream = new Writable({
    write(chunk, _, done) {
      lines.push(String(chunk))
      done()
    },
  })
  return { lines, stream }
}

const anyKey = /sk_live_\w{20}/
const asBasic = (key: string) => btoa(`${key}:`)

describe('the settings of docs/recipes/keys-in-logs.md', () => {
  it('keep keys out of what pino-http writes', async () => {
    const { code } = blockWith(page, 'ts', 'pinoHttp(')
    const { lines, stream } = collectLines()
    Reflect.set(globalThis, 'logStream', stream)
    const changed = code.replace('pinoHttp({', 'pinoHttp({ stream: globalThis.logStream,')
    expect(changed).not.toBe(code)
    await runModule(`${changed}\nglobalThis.logRequests = logRequests`)
    const { url, key } = await startApp(Reflect.get(globalThis, 'logRequests'))
    await sendEverywhere(url, key)
    await expect.poll(() => lines.length).toBe(5)
    expect(lines.join('')).toContain('/v1/e/[key]')
    expect(lines.join('')).not.toMatch(anyKey)
    expect(lines.join('')).not.toContain(asBasic(key))
  })

  it("keep keys out of what Fastify's own logger writes", async () => {
    const { code } = blockWith(page, 'ts', 'Fastify({')
    const { lines, stream } = collectLines()
    Reflect.set(globalThis, 'logStream', stream)
    const changed = code.replace('logger: {', 'logger: { stream: globalThis.logStream,')
    expect(changed).not.toBe(code)
    await runModule(`${changed}\nglobalThis.fastifyOfPage = fastify`)
    const app: FastifyInstance = Reflect.get(globalThis, 'fastifyOfPage')
    closers.push(() => app.close())
    const { keys, key } = await createSender()
    app.register(
      async (ingest) => {
        ingest.register(writeKeyPlugin(keys))
        ingest.post('/*', async () => ({}))
      },
      { prefix: '/v1' },
    )
    await sendEverywhere(await app.listen({ host: '127.0.0.1', port: 0 }), key)
    const arrivals = () => lines.filter((line) => line.includes('incoming request'))
    await expect.poll(() => arrivals().length).toBe(5)
    expect(arrivals().join('')).toContain('/v1/e/[key]')
    expect(arrivals().join('')).toContain('/v1/track?writeKey=[key]')
    expect(lines.join('')).not.toMatch(anyKey)
    expect(lines.join('')).not.toContain(asBasic(key))
    expect((await fetch(`${app.listeningOrigin}/elsewhere/${key}`)).status).toBe(404)
    await expect.poll(() => lines.join('')).toContain('"statusCode":404')
    expect(lines.filter((line) => anyKey.test(line))).toEqual([])
  })

  it.each([false, true])('keep keys out of what morgan writes (at once: %s)', async (immediate) => {
    const morgan = load('morgan') as never as (format: string, options: object) => express.RequestHandler
    const { code } = blockWith(page, 'js', 'morgan.token')
    const own = immediate ? code : code.replace(/^morgan\.token\('url'.*/ms, '')
    expect(own).toContain('remote-user')
    await runModule(own)
    const lines: string[] = []
    const log = morgan('combined', { immediate, stream: { write: (line: string) => lines.push(line) } })
    const { url, key } = await startApp(log)
    await sendEverywhere(url, key)
    await expect.poll(() => lines.length).toBe(5)
    expect(lines.join('')).not.toMatch(anyKey)
    expect(lines.join('')).toContain(immediate ? '/v1/e/[key]' : '/v1/e/wk_')
  })

  it.skipIf(!existsSync('/usr/sbin/nginx'))('keep keys out of what nginx writes', async () => {
    const { url, key } = await startApp((_, __, next) => next())
    const folder = mkdtempSync(join(tmpdir(), 'nginx-'))
    const port = await freePort()
    const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (name) => `${name}_temp_path ${folder}/${name};`,
    )
    const { code } = blockWith(page, 'nginx', 'map')
    const settings = code.replace('logs/access.log', `${folder}/access.log`)
    expect(settings).not.toBe(code)
    writeFileSync(
      join(folder, 'nginx.conf'),
      `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
      events {} http { ${paths.join(' ')} ${settings}
      server { listen 127.0.0.1:${port}; location / { proxy_pass ${url}; } } }`,
    )
    const nginx = spawn('/usr/sbin/nginx', [
      '-p',
      folder,
      '-c',
      join(folder, 'nginx.conf'),
      '-e',
      join(folder, 'error.log'),
    ])
    closers.push(() => {
      nginx.kill()
      rmSync(folder, { recursive: true, force: true })
    })
    await expect
      .poll(
        () =>
          fetch(`http://127.0.0.1:${port}/`).then(
            () => true,
            () => false,
          ),
        { timeout: 10_000 },
      )
      .toBe(true)
    await sendEverywhere(`http://127.0.0.1:${port}`, key)
    const read = () => readFileSync(join(folder, 'access.log'), 'utf8')
    await expect.poll(() => read().split('\n').length).toBeGreaterThan(6)
    expect(read()).toContain('POST /v1/e/[key]')
    expect(read()).not.toMatch(anyKey)
  })
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

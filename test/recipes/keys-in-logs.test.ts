import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import express from 'express'
import type { FastifyInstance } from 'fastify'
import type { Hono } from 'hono'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { writeKeyAuth } from '../../adapters/express.ts'
import { writeKeyAuth as writeKeyPlugin } from '../../adapters/fastify.ts'
import { writeKeyAuth as writeKeyGuard } from '../../adapters/hono.ts'
import { createWriteKeys } from '../../src/index.ts'
import { generateSecret } from '../../src/keys/secret.ts'
import { blockWith, runModule } from '../docs/running-blocks.ts'
import { freePort } from '../free-port.ts'
import { load } from '../neighbours/neighbour.ts'
import { serve } from '../neighbours/served.ts'

const page = 'docs/recipes/keys-in-logs.md'
const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

const inBase64 = (text: string) => Buffer.from(text).toString('base64')
const inPercent = (text: string) =>
  text.replace(/./g, (character) => `%${character.charCodeAt(0).toString(16)}`)

/** Where senders and others may put a key, all of it accepted or not. */
function listTargets(key: string): [path: string, status?: number][] {
  const inData = inBase64(JSON.stringify({ event: 'Signed Up', properties: { token: key } }))
  return [
    [`/v1/track?writeKey=${key}`, 200],
    [`/v1/track?writeKey=${inPercent(key)}`, 200],
    [`/v1/e/${key}`, 200],
    [`/v1/e/%73${key.slice(1)}`, 200],
    [`/v1/e/${inPercent(key)}`, 200],
    [`/v1/e/${generateSecret('sk_live_')}`, 401],
    [`/v1/e/${key}/${key}?writeKey=${key}&other=${key}`],
    [`/v1/track?data=${encodeURIComponent(inData)}`],
    [`/v1/track?data=${inData.replace(/=+$/, '')}`],
    [`/v1/track?data=${encodeURIComponent(JSON.stringify({ properties: { token: key } }))}`],
    [`/v1/track?writekey=any%3A${key}`],
    [`/elsewhere/array/${key}/config.js`],
    [`/${key}`],
  ]
}

/** Sends a good key in a header, in parameters and in paths, and one that nobody knows. */
async function sendEverywhere(url: string, key: string): Promise<number> {
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
  const targets = listTargets(key)
  for (const [path, status] of targets) {
    const answered = await send(path)
    if (status !== undefined) expect([path, answered]).toEqual([path, status])
  }
  return targets.length + 2
}

/** Looks for keys in a log as somebody would who steals it. */
function expectNoKeys(log: string, key: string): void {
  const percent = /(?:%[0-9a-f]{2})+/gi
  const decoded = log.replace(percent, (text) => Buffer.from(text.replaceAll('%', ''), 'hex').toString())
  const inside = [...decoded.matchAll(/[\w+/-]{20,}/g)].map(([text]) =>
    Buffer.from(text, 'base64').toString(),
  )
  for (const text of [log, decoded, ...inside]) {
    expect(text).not.toMatch(/sk_live_\w{20}/)
    expect(text).not.toContain(key)
  }
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

describe('the settings of docs/recipes/keys-in-logs.md', () => {
  it('keep keys out of what pino-http writes', async () => {
    const { code } = blockWith(page, 'ts', 'pinoHttp(')
    const { lines, stream } = collectLines()
    Reflect.set(globalThis, 'logStream', stream)
    const changed = code.replace('pinoHttp({', 'pinoHttp({ stream: globalThis.logStream,')
    expect(changed).not.toBe(code)
    await runModule(`${changed}\nglobalThis.logRequests = logRequests`)
    const { url, key } = await startApp(Reflect.get(globalThis, 'logRequests'))
    const sent = await sendEverywhere(url, key)
    await expect.poll(() => lines.length).toBe(sent)
    expect(lines.join('')).toContain('/v1/e/[cut]')
    expectNoKeys(lines.join(''), key)
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
    const sent = await sendEverywhere(await app.listen({ host: '127.0.0.1', port: 0 }), key)
    const ended = () => lines.filter((line) => line.includes('request completed'))
    await expect.poll(() => ended().length).toBe(sent)
    expect(lines.join('')).toContain('/v1/e/[cut]')
    expect(lines.join('')).toContain('"/v1/track"')
    expect(lines.join('')).toContain('"statusCode":404')
    expectNoKeys(lines.join(''), key)
  })

  it.each([false, true])('keep keys out of what morgan writes (at once: %s)', async (immediate) => {
    const morgan = load('morgan') as never as (format: string, options: object) => express.RequestHandler
    const { code } = blockWith(page, 'js', 'morgan.token')
    await runModule(code)
    const lines: string[] = []
    const log = morgan('combined', { immediate, stream: { write: (line: string) => lines.push(line) } })
    const { url, key } = await startApp(log)
    const sent = await sendEverywhere(url, key)
    await expect.poll(() => lines.length).toBe(sent)
    expectNoKeys(lines.join(''), key)
    expect(lines.join('')).toContain('/v1/e/[cut]')
  })

  it('keep keys out of what hono/logger writes', async () => {
    const { code } = blockWith(page, 'ts', 'hono/logger')
    const lines: string[] = []
    const log = vi.spyOn(console, 'log').mockImplementation((line) => void lines.push(line))
    closers.push(() => log.mockRestore())
    await runModule(`${code}\nglobalThis.honoOfPage = app`)
    const app: Hono = Reflect.get(globalThis, 'honoOfPage')
    const { keys, key } = await createSender()
    app.use('/v1/*', writeKeyGuard(keys))
    app.all('/v1/*', (c) => c.json({}))
    for (const [path] of listTargets(key))
      await app.request(path, { method: 'POST', body: '{"type":"track"}' })
    expect(lines.join('\n')).toContain('--> POST /v1/e/[cut]')
    expectNoKeys(lines.join('\n'), key)
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
    const sent = await sendEverywhere(`http://127.0.0.1:${port}`, key)
    const read = () => readFileSync(join(folder, 'access.log'), 'utf8')
    await expect.poll(() => read().split('\n').length).toBeGreaterThan(sent + 1)
    expect(read()).toContain('"POST /v1/track" 200')
    expect(read()).toContain('"POST /v1/e/[cut]" 200')
    expect(read()).toContain('"POST /elsewhere/array/[cut]" 404')
    expectNoKeys(read(), key)
  })
})

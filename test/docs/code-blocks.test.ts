import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { describe, expect, it, vi } from 'vitest'
import { createWriteKeys, type WriteKeys } from '../../src/index.ts'
import { root } from './code-blocks.ts'
import { compileBlocks } from './compiled-blocks.ts'
import { countLines } from './onboarding.ts'
import { blocks, blockWith, runModule } from './running-blocks.ts'

const run = promisify(execFile)
async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

describe('the documents', () => {
  it('hold TypeScript that compiles against the sources', { timeout: 180_000 }, () => {
    const errors = compileBlocks(blocks.filter(({ language }) => language === 'ts'))
    expect(errors).toEqual([])
  })

  it('hold JSON that parses', () => {
    for (const { language, code } of blocks) if (language === 'json') JSON.parse(code)
  })

  it('hold shell commands that a shell can read, and npm scripts that exist', async () => {
    const { scripts } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'))
    for (const { language, code } of blocks) {
      if (language !== 'sh') continue
      await run('sh', ['-n', '-c', code])
      for (const [, script] of code.matchAll(/npm (?:run )?(start|test|(?<=run )[\w:]+)/g))
        expect(scripts).toHaveProperty([script as string])
    }
  })

  it('start with a server to paste, and a curl that it accepts', async () => {
    const port = String(await findFreePort())
    const { code } = blockWith('README.md', 'ts', 'app.listen(3000)')
    expect(countLines(code)).toBeLessThanOrEqual(12)
    const server = code.replace('3000', port)
    const curl = (key: string) =>
      blockWith('README.md', 'sh', 'curl').code.replace('3000', port).replace('sk_live_…', key)
    const lines: unknown[][] = []
    const log = vi.spyOn(console, 'log').mockImplementation((...line) => void lines.push(line))
    const servers: Server[] = []
    const http = await import('node:http')
    const { listen } = http.Server.prototype
    vi.spyOn(http.Server.prototype, 'listen').mockImplementation(function (this: Server, ...args) {
      servers.push(this)
      return listen.apply(this, args as never)
    })
    try {
      await runModule(server)
      const [{ key }] = lines[0] as [{ key: string }]
      expect(key).toMatch(/^sk_live_\w{38}$/)
      const good = await run('sh', ['-c', curl(key)])
      expect(JSON.parse(good.stdout)).toEqual({ success: true })
      expect(lines[1]).toEqual([[{ type: 'track', event: 'Signed Up', userId: '42' }]])
      const bad = await run('sh', ['-c', curl(`${key}0`)])
      expect(JSON.parse(bad.stdout)).toMatchObject({ status: 401, code: 'invalid_write_key' })
    } finally {
      log.mockRestore()
      vi.restoreAllMocks()
      for (const each of servers) each.close()
    }
  })

  it('show how to answer what speaks Request and Response', async () => {
    const { code } = blockWith('README.md', 'ts', "'writekey/fetch'")
    const keys = createWriteKeys()
    const { key } = await keys.create({ name: 'Web App', sourceType: 'web' })
    Object.assign(globalThis, { keys })
    try {
      const { POST } = (await runModule(code)) as { POST(request: Request): Promise<Response> }
      const headers = { authorization: `Basic ${btoa(`${key}:`)}` }
      const send = (init: RequestInit) =>
        POST(new Request('http://localhost/v1/track', { method: 'POST', ...init }))

      const accepted = await send({ headers, body: '{"event":"Signed Up"}' })
      expect([accepted.status, await accepted.json()]).toEqual([200, { success: true, accepted: 1 }])
      const refused = await send({ body: '{}' })
      expect([refused.status, refused.headers.get('content-type')]).toEqual([401, 'application/problem+json'])
      const preflight = await send({
        method: 'OPTIONS',
        headers: { origin: 'https://app.example.com', 'access-control-request-method': 'POST' },
      })
      expect([preflight.status, preflight.headers.get('access-control-allow-methods')]).toEqual([204, 'POST'])
    } finally {
      Reflect.deleteProperty(globalThis, 'keys')
      await keys.close()
    }
  })

  it('show how write keys outlive the hot reload of a dev server', async () => {
    const { code } = blockWith('docs/web.md', 'ts', 'globalThis')
    vi.stubEnv('DATABASE_URL', 'sqlite::memory:')
    try {
      const first = (await runModule(code)) as { keys: WriteKeys }
      const afterAnEdit = await runModule(code)
      expect(afterAnEdit).not.toBe(first)
      expect(afterAnEdit.keys).toBe(first.keys)
      await first.keys.close()
    } finally {
      Reflect.deleteProperty(globalThis, 'writeKeys')
      vi.unstubAllEnvs()
    }
  })

  it('show a refusal as it is sent', async () => {
    const keys = createWriteKeys()
    const { key } = await keys.create({ name: 'Web App', sourceType: 'web', allowedEventTypes: ['track'] })
    const verdict = await keys.verify({
      method: 'POST',
      path: '/v1/batch',
      headers: { authorization: `Basic ${btoa(`${key}:`)}` },
      body: [{ type: 'track' }, { type: 'identify' }],
    })
    const { code } = blockWith('docs/ingest.md', 'json', 'event_type_not_allowed')
    expect(verdict.ok || JSON.parse(verdict.reply.body)).toEqual(JSON.parse(code))
    await keys.close()
  })
})

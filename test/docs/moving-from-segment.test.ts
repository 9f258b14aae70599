import { mkdtempSync, rmSync } from 'node:fs'
import { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { expect, it, onTestFinished, vi } from 'vitest'
import { runCommandLine } from '../../src/cli/command-line.ts'
import { typist } from '../cli/shell.ts'
import { readBlocks } from './code-blocks.ts'
import { runModule } from './running-blocks.ts'

const page = 'docs/recipes/moving-from-segment.md'
const blocks = readBlocks(page)

/** Packages that a module imports. */
function packagesOf(code: string): string[] {
  return [...code.matchAll(/from '((?:@[\w-]+\/)?[\w-]+)/g)].map(([, name]) => name as string)
}

/** The folder of somebody who follows the recipe. What was not made by an earlier step is not there. */
function createReader() {
  const folder = mkdtempSync(join(tmpdir(), 'writekey-recipe-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const store = `sqlite:${join(folder, 'keys.db')}`
  const inFolder = (code: string) => code.replaceAll('sqlite:./keys.db', store)
  const files = new Map<string, string>()
  const installed = new Set<string>()
  const env: Record<string, string> = {}
  let pasted = ''

  async function runCommand(line: string): Promise<string> {
    expect([...installed]).toEqual(expect.arrayContaining(['writekey', 'kysely', 'libsql']))
    const [command = '', file] = line.split(' < ')
    const input = file === undefined ? undefined : files.get(file)
    expect([line, file === undefined || input !== undefined]).toEqual([line, true])
    const text: string[] = []
    const sink = () =>
      new Writable({ write: (chunk, _, done) => done(void text.push(String(chunk)) as null | undefined) })
    const stdin = input === undefined ? typist(pasted) : Readable.from([input])
    const terminal = { stdin, stdout: sink(), stderr: sink(), env }
    const code = await runCommandLine(command.split(' ').slice(2), terminal, () => {})
    expect([line, code, text.join('')]).toEqual([line, 0, expect.any(String)])
    return text.join('')
  }

  return {
    store,
    save: (name: string, code: string) => files.set(name, inFolder(code)),
    /** What the reader pastes when a command asks for a key. */
    copy(text: string) {
      pasted = text
    },
    /** One line in the reader's shell. @returns what a command says */
    async enter(line: string, fill = (code: string) => code): Promise<string | undefined> {
      const setting = /^export (\w+)='?(.*?)'?$/.exec(line)
      if (setting !== null) env[setting[1] as string] = inFolder(setting[2] as string)
      else if (line.startsWith('npm install '))
        for (const name of line.split(' ').slice(2)) installed.add(name)
      else if (line.startsWith('node ')) {
        const code = files.get(line.slice(5))
        expect([line, typeof code]).toEqual([line, 'string'])
        expect([...installed]).toEqual(expect.arrayContaining(packagesOf(code as string)))
        await runModule(fill(code as string))
      } else if (line.startsWith('npx writekey ')) return runCommand(line)
      else expect(line).toBe('npm init -y')
      return undefined
    },
  }
}

it(`${page} leads in its own order from an empty folder to the first accepted event`, async () => {
  const reader = createReader()
  const said: string[] = []
  const printed: unknown[][] = []
  const log = vi.spyOn(console, 'log').mockImplementation((...line) => void printed.push(line))
  onTestFinished(() => log.mockRestore())
  const servers: Server[] = []
  const { listen } = Server.prototype
  const listening = vi.spyOn(Server.prototype, 'listen').mockImplementation(function (this: Server) {
    servers.push(this)
    return listen.call(this, 0)
  })
  onTestFinished(() => {
    listening.mockRestore()
    for (const server of servers) server.close()
  })

  for (const { language, code } of blocks) {
    if (language === 'ndjson') reader.save('keys.ndjson', code)
    if (language === 'ts') {
      const [, name = ''] = /^\/\/ (\S+)/.exec(code) ?? []
      reader.save(name, code)
      reader.copy(/writeKey: '(\w+)'/.exec(code)?.[1] ?? '')
      // It has a terminal of its own.
      if (name === 'server.mjs') {
        await reader.enter('node server.mjs')
        await vi.waitFor(() => expect(servers[0]?.listening).toBe(true))
      }
    }
    if (language === 'sh') {
      for (const line of code.trim().split('\n')) {
        const { port } = (servers[0]?.address() ?? {}) as Partial<AddressInfo>
        const answer = await reader.enter(line, (sent) => sent.replace('localhost:3000', `localhost:${port}`))
        if (answer !== undefined) said.push(answer)
      }
    }
  }
  expect(said[0]).toContain('are up to date')
  expect(said.slice(1, 3)).toEqual([
    'Dry run, nothing was stored: 2 would be imported, 0 exist already, 0 would be refused.\n',
    `Imported 2; skipped 0 that exist already; refused 0.\nWritten to ${reader.store}\n`,
  ])
  expect(said[3]).toContain('Backend')
  expect(said.at(-1)).toContain('accepted')
  expect(printed).toEqual([['Backend', [expect.objectContaining({ event: 'Order Paid', userId: '42' })]]])

  // RudderStack's pages send these when somebody leaves.
  const { port } = (servers[0] as Server).address() as AddressInfo
  const beacon = `http://localhost:${port}/beacon/v1/batch?writeKey=pQ2rS4tU6vW8xY0zA1bC3dE5fG7hI9jK`
  const body = '{"batch":[{"type":"page","name":"Home","anonymousId":"1"}]}'
  expect((await fetch(beacon, { method: 'POST', body })).status).toBe(200)
  expect(printed.at(-1)).toEqual(['Backend', [expect.objectContaining({ type: 'page', name: 'Home' })]])
})

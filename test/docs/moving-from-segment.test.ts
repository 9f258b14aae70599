import { mkdtempSync, rmSync } from 'node:fs'
import { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { expect, it, onTestFinished, vi } from 'vitest'
import { runCommandLine } from '../../src/cli/command-line.ts'
import { readBlocks } from './code-blocks.ts'
import { runModule } from './running-blocks.ts'

const blocks = readBlocks('docs/recipes/moving-from-segment.md')

/** Runs a line of the recipe as its reader would in a shell. */
async function runShellLine(
  line: string,
  env: Record<string, string>,
  files: Record<string, string>,
): Promise<string> {
  const [command = '', file] = line.split(' < ')
  const text: string[] = []
  const sink = () =>
    new Writable({ write: (chunk, _, done) => done(void text.push(String(chunk)) as null | undefined) })
  const stdin = Readable.from(file === undefined ? [] : [files[file] as string])
  const argv = command.split(' ').slice(2)
  const code = await runCommandLine(argv, { stdin, stdout: sink(), stderr: sink(), env }, () => {})
  expect([line, code, text.join('')]).toEqual([line, 0, expect.any(String)])
  return text.join('')
}

it('docs/recipes/moving-from-segment.md leads in its own order from the old keys to the first accepted event', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'writekey-recipe-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const store = `sqlite:${join(folder, 'keys.db')}`
  const inFolder = (code: string) => code.replaceAll('sqlite:./keys.db', store)
  const files: Record<string, string> = {}
  const env: Record<string, string> = {}
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
    if (language === 'ndjson') files['keys.ndjson'] = code
    if (language === 'sh') {
      for (const line of code.trim().split('\n')) {
        const setting = /^export (\w+)='?(.*?)'?$/.exec(line)
        if (setting === null) said.push(await runShellLine(line, env, files))
        else env[setting[1] as string] = inFolder(setting[2] as string)
      }
    }
    if (language === 'ts') {
      const address = servers[0]?.address() as AddressInfo | undefined
      await runModule(inFolder(code).replace('localhost:3000', `localhost:${address?.port}`))
      files['old-key.txt'] = /writeKey: '(\w+)'/.exec(code)?.[1] ?? ''
      if (address === undefined) await vi.waitFor(() => expect(servers[0]?.listening).toBe(true))
    }
  }
  expect(said[0]).toContain('are up to date')
  expect(said.slice(1, 3)).toEqual([
    'Dry run, nothing was stored: 2 would be imported, 0 exist already, 0 would be refused.\n',
    `Imported 2; skipped 0 that exist already; refused 0.\nWritten to ${store}\n`,
  ])
  expect(said[3]).toContain('Backend')
  expect(said.at(-1)).toContain('accepted')
  expect(printed).toEqual([['Backend', [expect.objectContaining({ event: 'Order Paid', userId: '42' })]]])
})

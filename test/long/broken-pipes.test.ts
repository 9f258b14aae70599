import { exec } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { build } from 'vite'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openShell } from '../cli/shell.ts'

const root = resolve(import.meta.dirname, '../..')
const folder = mkdtempSync(join(tmpdir(), 'writekey-pipes-'))
const bin = `${process.execPath} ${join(folder, 'dist/bin.js')}`

beforeAll(async () => {
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  await build({
    root,
    configFile: false,
    logLevel: 'silent',
    build: {
      ssr: true,
      outDir: join(folder, 'dist'),
      target: 'node20',
      rolldownOptions: {
        input: { bin: join(root, 'src/cli/bin.ts') },
        output: { entryFileNames: '[name].js' },
      },
    },
  })
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** What `head -1` prints of a command, what the command says on standard error, and its exit code. */
function first(command: string, env: Record<string, string>) {
  const script = `set -o pipefail; ${bin} ${command} | head -1; echo "exit \${PIPESTATUS[0]}" >&2`
  return new Promise<{ out: string; err: string }>((resolve) => {
    exec(
      script,
      { cwd: folder, shell: '/bin/bash', env: { ...process.env, ...env }, timeout: 120_000 },
      (_, stdout, stderr) => {
        resolve({ out: stdout, err: stderr.replace(/^.*ExperimentalWarning.*\n(?:\(Use .*\n)?/gm, '') })
      },
    )
  })
}

it('a reader that goes away ends tail and lists, without a stack trace', async () => {
  const adminToken = 'a-management-token-of-this-test-alone'
  const { store, run, serve } = openShell()
  const names = Array.from({ length: 300 }, (_, index) =>
    JSON.stringify({
      name: `${index} ${'x'.repeat(80)}`,
      source_type: 'web',
      key: `old${'k'.repeat(24)}${index}`,
    }),
  )
  const shaped = openShell(
    { WRITEKEY_STORE: store, WRITEKEY_IMPORTED_KEYS: '^[a-z0-9]{16,40}$' },
    { hasTables: false },
  )
  await run(['list'])
  expect((await shaped.run(['import'], names.join('\n'))).code).toBe(0)
  const { server } = await serve({ WRITEKEY_ADMIN_TOKEN: adminToken })
  const env = { WRITEKEY_STORE: store, WRITEKEY_TOKEN: adminToken }
  const sending = setInterval(() => {
    void fetch(`${server.url}/v1/track`, { method: 'POST', body: '{}' }).catch(() => {})
  }, 100)
  try {
    for (const [command, line] of [
      ['list --all --csv', /^id,name/],
      ['list --all', /^ID/],
      ['tail', /missing_key/],
      ['tail --json', /missing_key/],
      [`tail --api ${server.url}`, /missing_key/],
    ] as const) {
      const { out, err } = await first(command, env)
      expect([command, out.trim().split('\n').length, err.trim()]).toEqual([command, 1, 'exit 0'])
      expect(out).toMatch(line)
    }
  } finally {
    clearInterval(sending)
  }
}, 300_000)

// Lints openapi.json as the running API serves it: made from the schemas that validate, so it exists nowhere as a file.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runnerImport } from 'vite'

const { module: admin } = await runnerImport('./src/admin/index.ts', { configFile: false, logLevel: 'error' })
const { module: root } = await runnerImport('./src/index.ts', { configFile: false, logLevel: 'error' })

const token = 'for-this-check-alone-0123456789-0123456789'
const keys = root.createWriteKeys()
const api = admin.createAdminApi(keys, { tokens: [{ name: 'check', token, role: 'viewer' }] })
const answer = await api.fetch(
  new Request('http://localhost/api/v1/openapi.json', { headers: { authorization: `Bearer ${token}` } }),
)
const description = await answer.json()
await keys.close()

const folder = mkdtempSync(join(tmpdir(), 'writekey-openapi-'))
try {
  const file = join(folder, 'openapi.json')
  const config = join(folder, 'redocly.yaml')
  writeFileSync(file, JSON.stringify(description, null, 2))
  // The server is wherever an application mounts the API.
  writeFileSync(config, 'extends:\n  - recommended-strict\nrules:\n  no-server-example.com: off\n')
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['node_modules/@redocly/cli/bin/cli.js', 'lint', file, '--config', config, '--format', 'stylish'],
    {
      encoding: 'utf8',
      env: { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' },
    },
  )
  if (status !== 0) {
    process.stderr.write(`${stdout}${stderr}`)
    process.exitCode = 1
  } else {
    const count = Object.values(description.paths).reduce((sum, path) => sum + Object.keys(path).length, 0)
    process.stdout.write(`openapi.json: ${count} operations, no problem found\n`)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}

// Runs the tests of the Nest adapter on another major version of Nest than the one installed here: `npm run check:nest 12`
// (or 10). The version is installed into a folder of its own, since packages of two versions cannot share one. Further
// arguments go to Vitest.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const versions = { 10: '~10.4.0', 12: '~12.5.0' }
const packages = ['common', 'core', 'platform-express', 'platform-fastify']
const root = fileURLToPath(new URL('..', import.meta.url))
const [major, ...vitestArguments] = process.argv.slice(2)
const version = versions[major]
if (version === undefined) {
  console.error(`Which Nest? One of ${Object.keys(versions).join(', ')}.`)
  process.exit(2)
}

const folder = mkdtempSync(join(tmpdir(), `nest-${major}-`))
const run = (command, args, options) => execFileSync(command, args, { stdio: 'inherit', ...options })
try {
  writeFileSync(join(folder, 'package.json'), '{ "private": true }')
  const wanted = [...packages.map((name) => `@nestjs/${name}@${version}`), 'reflect-metadata@0.2', 'rxjs@7']
  const quiet = ['--no-package-lock', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error']
  run('npm', ['install', ...quiet, ...wanted], { cwd: folder })
  run('npx', ['--no-install', 'vitest', 'run', '--project', 'nest', ...vitestArguments], {
    cwd: root,
    env: { ...process.env, NEST_FOLDER: folder },
  })
} catch (error) {
  if (error.status === undefined) throw error
  process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}

// Checks what would be published: packs it, lints the tarball, and lets every project in
// test/package/consumers use it as a stranger would. A consumer is a folder with a package.json; this script
// installs it together with the tarball, and then
//   - runs its `build` and its `test` script, where it has them;
//   - starts its `main`, where it has one: a server that prints one line {"port": …, "key": …} once it listens
//     and accepts events at /v1/track. It must answer 200 with the key and 401 without.
// `npm run check:package -- esm ts` checks only the consumers named. One whose package.json says `config.onlyWhenAsked` needs
// what not every machine has, such as a compiler, and is left out unless it is named.
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const consumers = join(root, 'test/package/consumers')
const work = mkdtempSync(join(tmpdir(), 'writekey-package-'))
const startPatienceMs = 30_000

function run(command, args, cwd) {
  console.log(`> ${command} ${args.join(' ')}`)
  execFileSync(command, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'] })
}

function pack() {
  const options = { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }
  const [packed] = JSON.parse(
    execFileSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', work], options),
  )
  console.log(packed.files.map(({ path, size }) => `${String(size).padStart(9)}  ${path}`).join('\n'))
  return join(work, packed.filename)
}

async function sendEvent(port, key) {
  const response = await fetch(`http://127.0.0.1:${port}/v1/track`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(key === undefined ? {} : { authorization: `Basic ${btoa(`${key}:`)}` }),
    },
    body: JSON.stringify({ type: 'track', event: 'x' }),
  })
  return { status: response.status, body: await response.json() }
}

async function probe(folder, main) {
  const server = spawn(process.execPath, [main], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] })
  const tooLate = setTimeout(() => server.kill(), startPatienceMs)
  try {
    let started
    for await (const line of createInterface({ input: server.stdout })) {
      if (line.startsWith('{')) {
        started = JSON.parse(line)
        break
      }
    }
    assert(started, `${main} ended, or took too long, before it listened`)
    const accepted = await sendEvent(started.port, started.key)
    assert.deepEqual(accepted, { status: 200, body: { events: 1 } })
    const refused = await sendEvent(started.port)
    assert.equal(refused.status, 401)
    assert.equal(refused.body.code, 'invalid_write_key')
  } finally {
    clearTimeout(tooLate)
    server.kill()
  }
}

function readManifest(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
}

async function checkConsumer(name, tarball) {
  console.log(`\nconsumer ${name}`)
  const folder = join(work, name)
  cpSync(join(consumers, name), folder, { recursive: true })
  const manifest = readManifest(folder)
  run('npm', ['install', '--no-package-lock', '--no-audit', '--no-fund', '--prefer-offline', tarball], folder)
  if (manifest.scripts?.build) run('npm', ['run', 'build'], folder)
  if (manifest.scripts?.test) run('npm', ['test'], folder)
  if (manifest.main) await probe(folder, manifest.main)
  console.log(`consumer ${name}: ok`)
}

try {
  if (!existsSync(join(root, 'dist'))) run('npm', ['run', 'build'], root)
  const tarball = pack()
  run('npx', ['--no-install', 'publint', 'run', tarball, '--strict'], root)
  run('npx', ['--no-install', 'attw', tarball, '--format', 'ascii'], root)
  const asked = process.argv.slice(2)
  for (const name of readdirSync(consumers).toSorted()) {
    const always = readManifest(join(consumers, name)).config?.onlyWhenAsked !== true
    if (asked.includes(name) || (asked.length === 0 && always)) await checkConsumer(name, tarball)
  }
} finally {
  rmSync(work, { recursive: true, force: true })
}

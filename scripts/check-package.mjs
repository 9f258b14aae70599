// Checks what would be published: packs it, lints the tarball, and lets every project in
// test/package/consumers use it as a stranger would. A consumer is a folder with a package.json; this script
// installs it together with the tarball, and then
//   - runs its `build` and its `test` script, where it has them;
//   - starts its `main`, where it has one: a server that prints one line {"port": …, "key": …} once it listens
//     and accepts events at /v1/track. It must answer 200 with the key and 401 without.
// `npm run check:package -- esm ts` checks only the consumers named. One whose package.json says `config.onlyWhenAsked` needs
// what not every machine has, such as a compiler, and is left out unless it is named. Two run at a time, as much of it is
// waiting for downloads; each prints what it has to say once it has ended.
import assert from 'node:assert/strict'
import { execFile, execFileSync, spawn } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('..', import.meta.url))
const consumers = join(root, 'test/package/consumers')
const work = mkdtempSync(join(tmpdir(), 'writekey-package-'))
const startPatienceMs = 30_000
const atOnce = 2

/** Runs a command to its end. What it prints goes to `print`, also when it fails. */
async function run(print, command, args, cwd) {
  print(`> ${command} ${args.join(' ')}`)
  const running = promisify(execFile)(command, args, { cwd, maxBuffer: 2 ** 26 })
  running.child.stdin?.end()
  try {
    const { stdout, stderr } = await running
    print(stdout + stderr)
  } catch (error) {
    print(`${error.stdout}${error.stderr}`)
    throw error
  }
}

function pack() {
  const options = { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }
  const [packed] = JSON.parse(
    execFileSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', work], options),
  )
  console.log(packed.files.map(({ path, size }) => `${String(size).padStart(9)}  ${path}`).join('\n'))
  return join(work, packed.filename)
}

/** One character beyond ASCII doubles what V8 keeps and reads of a whole file: `tsdown.config.ts` writes escapes. */
async function checkAscii() {
  const files = readdirSync(join(root, 'dist'), { recursive: true }).filter((name) => /\.c?js$/.test(name))
  assert.notEqual(files.length, 0)
  const others = files.filter((name) => /[^\0-\x7f]/.test(readFileSync(join(root, 'dist', name), 'utf8')))
  assert.deepEqual(others, [], 'built files hold characters that are not ASCII')
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

async function checkConsumer(print, name, tarball) {
  print(`\nconsumer ${name}`)
  const folder = join(work, name)
  cpSync(join(consumers, name), folder, { recursive: true })
  const manifest = readManifest(folder)
  const quiet = ['--no-package-lock', '--no-audit', '--no-fund', '--prefer-offline']
  await run(print, 'npm', ['install', ...quiet, tarball], folder)
  if (manifest.scripts?.build) await run(print, 'npm', ['run', 'build'], folder)
  if (manifest.scripts?.test) await run(print, 'npm', ['test'], folder)
  if (manifest.main) await probe(folder, manifest.main)
  print(`consumer ${name}: ok`)
}

/** Does all of it, whatever fails. @returns whether nothing failed. */
async function runChecks(checks) {
  let isGood = true
  const left = [...checks]
  const next = async () => {
    for (let check = left.shift(); check !== undefined; check = left.shift()) {
      const printed = []
      try {
        await check((text) => printed.push(text))
      } catch (error) {
        isGood = false
        printed.push(`FAILED: ${error.stack}`)
      }
      console.log(printed.join('\n'))
    }
  }
  await Promise.all(Array.from({ length: atOnce }, next))
  return isGood
}

try {
  if (!existsSync(join(root, 'dist'))) execFileSync('npm', ['run', 'build'], { cwd: root, stdio: 'inherit' })
  const tarball = pack()
  const asked = process.argv.slice(2)
  const lints = [
    ['publint', 'run', tarball, '--strict'],
    ['attw', tarball, '--format', 'ascii'],
  ].map((args) => (print) => run(print, 'npx', ['--no-install', ...args], root))
  const chosen = readdirSync(consumers)
    .toSorted()
    .filter((name) => {
      const always = readManifest(join(consumers, name)).config?.onlyWhenAsked !== true
      return asked.includes(name) || (asked.length === 0 && always)
    })
    .map((name) => (print) => checkConsumer(print, name, tarball))
  if (!(await runChecks(asked.length === 0 ? [checkAscii, ...lints, ...chosen] : chosen)))
    process.exitCode = 1
} finally {
  rmSync(work, { recursive: true, force: true })
}

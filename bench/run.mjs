// `npm run bench [-- verify|http|store|redis|flood|import|scale|redis-ceiling …]`: builds the package, runs the parts one after another and prints
// one table. Parts that are named run in full, all of them together in their short form (bench/length.ts). Parts import the
// sources; here those imports are turned into the built package, as users get it. `BENCH_BUILD=kept` takes the `dist` that is
// there.
import { execFileSync, fork } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { build } from 'tsdown'

const parts = ['verify', 'http', 'store', 'redis', 'flood', 'import', 'scale', 'redis-ceiling']
const here = fileURLToPath(new URL('.', import.meta.url))
const root = fileURLToPath(new URL('..', import.meta.url))
const wanted = process.argv.slice(2)
for (const name of wanted) {
  if (!parts.includes(name)) {
    console.error(`unknown part ${name}; there are: ${parts.join(', ')}`)
    process.exit(2)
  }
}
const chosen = wanted.length > 0 ? wanted : parts
const length = process.env.LONG ?? (wanted.length > 0 ? 'full' : 'short')

process.chdir(root)
const started = Date.now()
if (process.env.BENCH_BUILD !== 'kept') buildPackage()
await bundleParts()

const rows = []
let failed = false
if (chosen.includes('verify')) installPeers()
for (const part of chosen) {
  const began = Date.now()
  process.stderr.write(`${part} …`)
  failed = !(await runPart(part)) || failed
  process.stderr.write(` ${Math.round((Date.now() - began) / 1000)} s\n`)
}
printTable()
process.exitCode = failed ? 1 : 0

/** What the build has to say is of interest only when it fails. */
function buildPackage() {
  try {
    execFileSync('npm', ['run', 'build', '--silent'], { stdio: ['ignore', 'pipe', 'pipe'] })
  } catch (error) {
    process.stderr.write(`${error.stdout}${error.stderr}`)
    process.exit(1)
  }
}

async function bundleParts() {
  const modules = readdirSync(here).filter((name) => name.endsWith('.ts'))
  await build({
    config: false,
    logLevel: 'error',
    entry: modules.map((name) => `${here}${name}`),
    outDir: `${here}.out`,
    format: 'esm',
    platform: 'node',
    fixedExtension: false,
    dts: false,
    clean: true,
    deps: { skipNodeModulesBundle: true },
    plugins: [builtPackage()],
  })
}

/** `../src/index.ts` → `writekey`, `../adapters/koa.ts` → `writekey/koa`, `../src/stores/sql/index.ts` → `writekey/sql`. */
function builtPackage() {
  return {
    name: 'built-package',
    resolveId(source) {
      const path = /^(?:\.\.\/)+((?:src|adapters)\/.*)\.ts$/.exec(source)?.[1]
      if (path === undefined) return null
      const subpath = path.replace(/\/index$/, '').replace(/^.*\//, '')
      return { id: subpath === 'src' ? 'writekey' : `writekey/${subpath}`, external: true }
    },
  }
}

/** Peers whose packages do not fit beside those of the root. Where they cannot be installed, their rows say so. */
function installPeers() {
  const folder = `${here}peers`
  if (length === 'smoke' || isInstalled(folder)) return
  process.stderr.write('installing the packages of bench/peers, once …')
  try {
    execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--fetch-retries=1'], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    process.stderr.write(' done\n')
  } catch (error) {
    process.stderr.write(` failed: ${error.stderr?.toString().trim() || error.message}\n`)
  }
}

/** Whether what lies in `node_modules` is what the lockfile asks for: npm leaves its own copy there. */
function isInstalled(folder) {
  const installed = `${folder}/node_modules/.package-lock.json`
  if (!existsSync(installed)) return false
  const packagesOf = (file) => {
    const { '': _, ...packages } = JSON.parse(readFileSync(file, 'utf8')).packages
    return Object.entries(packages).map(([path, { version }]) => `${path} ${version}`)
  }
  return packagesOf(installed).join() === packagesOf(`${folder}/package-lock.json`).join()
}

function runPart(part) {
  return new Promise((resolve) => {
    const child = fork(`${here}.out/${part}.js`, {
      execArgv: ['--expose-gc', '--no-warnings'],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: { ...process.env, LONG: length },
    })
    child.on('message', (row) => rows.push({ part, ...row }))
    child.on('exit', (code) => resolve(code === 0))
  })
}

function printTable() {
  const lines = rows.map((row) => [
    row.part,
    row.name,
    medianText(row),
    spreadText(row),
    goalText(row),
    row.note ?? '',
  ])
  lines.unshift(['part', 'what', 'median', 'quartiles', 'goal', 'note'])
  const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column].length)))
  console.log(
    `\nNode ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? 'CPU'}, ${length} length, ${Math.round((Date.now() - started) / 1000)} s\n`,
  )
  lines.forEach((line, index) => {
    console.log(
      line
        .map((text, column) => text.padEnd(widths[column]))
        .join('  ')
        .trimEnd(),
    )
    if (index === 0) console.log(widths.map((width) => '-'.repeat(width)).join('  '))
  })
}

function medianOf({ value }) {
  return typeof value === 'object' ? value.median : value
}

function medianText(row) {
  if (row.value === undefined) return 'none'
  return row.unit === undefined ? `${format(medianOf(row))} ×` : `${format(medianOf(row))} ${row.unit}`
}

function spreadText({ value }) {
  return typeof value === 'object' ? `${format(value.low)} … ${format(value.high)}` : ''
}

function goalText(row) {
  const { atLeast, atMost } = row.goal ?? {}
  if (row.value === undefined || (atLeast ?? atMost) === undefined) return ''
  const met = medianOf(row) >= (atLeast ?? -Infinity) && medianOf(row) <= (atMost ?? Infinity)
  return `${atLeast === undefined ? `≤ ${atMost}` : `≥ ${atLeast}`} ${met ? 'met' : 'MISSED'}`
}

function format(number) {
  if (Math.abs(number) >= 100) return Math.round(number).toLocaleString('en-US')
  if (Math.abs(number) >= 0.1 || number === 0) return number.toFixed(Math.abs(number) >= 10 ? 1 : 2)
  return number.toPrecision(2)
}

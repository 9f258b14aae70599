// `npm run bench [-- verify|http|store|redis|flood …]`: builds the package, runs the parts one after another and prints
// one table. Parts that are named run in full, all of them together in their short form (bench/length.ts). Parts import the
// sources; here those imports are turned into the built package, as users get it.
import { execFileSync, fork } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { build } from 'tsdown'

const parts = ['verify', 'http', 'store', 'redis', 'flood']
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
execFileSync('npm', ['run', 'build', '--silent'], { stdio: ['ignore', 'ignore', 'inherit'] })
await bundleParts()

const started = Date.now()
const rows = []
let failed = false
for (const part of chosen) {
  const began = Date.now()
  process.stderr.write(`${part} …`)
  failed = !(await runPart(part)) || failed
  process.stderr.write(` ${Math.round((Date.now() - began) / 1000)} s\n`)
}
printTable()
process.exitCode = failed ? 1 : 0

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
    `\nNode ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? 'CPU'}, ${Math.round((Date.now() - started) / 1000)} s\n`,
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
  return typeof value === 'number' ? value : value.median
}

function medianText(row) {
  return row.unit === undefined ? `${format(medianOf(row))} ×` : `${format(medianOf(row))} ${row.unit}`
}

function spreadText({ value }) {
  return typeof value === 'number' ? '' : `${format(value.low)} … ${format(value.high)}`
}

function goalText(row) {
  const { atLeast, atMost } = row.goal ?? {}
  if (atLeast === undefined && atMost === undefined) return ''
  const met = medianOf(row) >= (atLeast ?? -Infinity) && medianOf(row) <= (atMost ?? Infinity)
  return `${atLeast === undefined ? `≤ ${atMost}` : `≥ ${atLeast}`} ${met ? 'met' : 'MISSED'}`
}

function format(number) {
  if (Math.abs(number) >= 100) return Math.round(number).toLocaleString('en-US')
  return number.toFixed(Math.abs(number) >= 10 ? 1 : 2)
}

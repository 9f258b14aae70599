import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { build } from 'vite'
import { inject } from 'vitest'
import { builtIn, libraryEntries } from '../../tsdown.config.ts'
import { root } from '../docs/code-blocks.ts'
import { blocks, blockWith } from '../docs/running-blocks.ts'
import { withLock } from '../lock.ts'

const run = promisify(execFile)

/** The block of a page that begins with the name of its file. */
export function fileOf(document: string, name: string): string {
  const heads = [`// ${name}\n`, `# ${name}\n`]
  const found = blocks.find(
    (block) => block.document === document && heads.some((head) => block.code.startsWith(head)),
  )
  if (found === undefined) throw new Error(`${document} has no block for ${name}`)
  return found.code
}

/** A package of `npm run install:recipes`; undefined where they are not installed. */
export function loadRecipePackage<Exports>(name: string): Exports | undefined {
  try {
    return createRequire(`${root}test/recipes/packages/package.json`)(name)
  } catch {
    return undefined
  }
}

/** As `replaceAll`, but a text that is not there is an error: the recipe has changed. */
export function replaced(text: string, ...pairs: [from: string, to: string][]): string {
  return pairs.reduce((result, [from, to]) => {
    if (!result.includes(from)) throw new Error(`not there: ${from}`)
    return result.replaceAll(from, to)
  }, text)
}

/** Finds commands of installed packages as `npx` does, without the start of npm: it takes longer than most of them. */
const quickNpx = 'npx() { name=$1; shift; "node_modules/.bin/$name" "$@"; }'

/** A folder like that of somebody who has followed docs/recipes/deploying.md: packages installed, server.mjs written. */
export interface DeployedApp {
  readonly folder: string
  /** Runs lines of shell in the folder and gives what they print. Rejects with what they say when they fail. */
  sh(line: string, env?: Record<string, string>): Promise<string>
  /** Starts a program in the folder. */
  start(program: string, args: readonly string[], env?: Record<string, string>): Started
  /** Ends what still runs, and removes everything. */
  remove(): Promise<void>
}

export interface Started {
  readonly child: ChildProcess
  /** What it has printed so far, on both streams. */
  printed(): string
  /** Sends a signal and gives the exit code, or the signal that ended it. */
  end(signal?: NodeJS.Signals): Promise<number | NodeJS.Signals>
}

export async function deployApp(): Promise<DeployedApp> {
  const base = mkdtempSync(join(tmpdir(), 'writekey-deployed-'))
  const folder = join(base, 'app')
  cpSync(await installOnce(), base, { recursive: true, verbatimSymlinks: true })
  const all: Started[] = []
  const app: DeployedApp = {
    folder,
    async sh(line, env = {}) {
      const options = { cwd: folder, env: { ...process.env, ...env } }
      return (await run('sh', ['-ec', `${quickNpx}\n${line}`], options)).stdout
    },
    start(program, args, env = {}) {
      const started = startProgram(program, args, folder, env)
      all.push(started)
      return started
    },
    async remove() {
      await Promise.all(all.map((each) => each.end('SIGKILL')))
      rmSync(base, { recursive: true, force: true })
    },
  }
  return app
}

/** Test files that start together pack and install once. Gives the folder to copy: the app, and the tarball that it names. */
function installOnce(): Promise<string> {
  const [base, made] = ['making', 'deployed'].map((name) => join(inject('runFolder'), name)) as [
    string,
    string,
  ]
  return withLock(`${base}.lock`, 300_000, async () => {
    if (existsSync(made)) return made
    rmSync(base, { recursive: true, force: true })
    const folder = join(base, 'app')
    mkdirSync(folder, { recursive: true })
    const tarball = await packSources(base)
    const { code } = blockWith('docs/recipes/deploying.md', 'sh', 'npm install writekey')
    const install = replaced(code, ['install writekey', `install ${tarball}`]).trim()
    await run('sh', ['-ec', `npm init -y; ${install} --no-audit --no-fund --prefer-offline`], { cwd: folder })
    // The real one finds the command.
    await run('npx', ['--no-install', 'writekey', '--version'], { cwd: folder })
    writeFileSync(join(folder, 'server.mjs'), fileOf('docs/recipes/deploying.md', 'server.mjs'))
    renameSync(base, made)
    return made
  })
}

function startProgram(
  program: string,
  args: readonly string[],
  cwd: string,
  env: Record<string, string>,
): Started {
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (text += data))
  const exited = once(child, 'exit')
  return {
    child,
    printed: () => text,
    async end(signal = 'SIGTERM') {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal)
      const [code, by] = await exited
      return code ?? by
    },
  }
}

/** The package as it would be published, made of the sources, less its types and its page. */
async function packSources(base: string): Promise<string> {
  const folder = join(base, 'package')
  const dist = join(folder, 'dist')
  const entries = Object.assign({ 'cli/bin': 'src/cli/bin.ts' }, libraryEntries)
  await build({
    root,
    configFile: false,
    logLevel: 'silent',
    ssr: { noExternal: builtIn },
    build: {
      ssr: true,
      outDir: dist,
      target: 'node20',
      rolldownOptions: {
        input: Object.fromEntries(Object.entries(entries).map(([name, source]) => [name, root + source])),
        output: { entryFileNames: '[name].js' },
      },
    },
  })
  const { name, version, dependencies, bin } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'))
  const exports = Object.fromEntries(
    Object.keys(libraryEntries).map((entry) => [
      entry === 'index' ? '.' : `./${entry}`,
      `./dist/${entry}.js`,
    ]),
  )
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ name, version, type: 'module', exports, dependencies, bin, files: ['dist'] }),
  )
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', base], { cwd: folder })
  return join(base, JSON.parse(stdout)[0].filename)
}

/** The answer of a server once it gives one that fits. */
export async function answerOf(
  url: string,
  fits: (status: number) => boolean = (status) => status === 200,
): Promise<Response> {
  const giveUpAt = performance.now() + 60_000
  let last: unknown
  while (performance.now() < giveUpAt) {
    try {
      const answer = await fetch(url)
      if (fits(answer.status)) return answer
      last = answer.status
    } catch (error) {
      last = error
    }
    await sleep(50)
  }
  throw new Error(`${url} does not answer as it should: ${last}`)
}

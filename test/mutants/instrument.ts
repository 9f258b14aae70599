import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

/** One change of the sources, as Stryker makes it. */
interface Mutant {
  readonly id: string
  readonly file: string
  readonly line: number
  readonly kind: string
  readonly original: string
  readonly replacement: string
}

export interface Instrumented {
  readonly mutants: readonly Mutant[]
  /** Sources that hold all their mutants, each behind a switch, by path. */
  readonly sources: ReadonlyMap<string, string>
}

interface Position {
  line: number
  column: number
}

interface StrykerMutant {
  id: string
  fileName: string
  mutatorName: string
  replacement: string
  location: { start: Position; end: Position }
}

interface StrykerInstrumenter {
  instrument(
    files: { name: string; content: string; mutate: boolean }[],
    options: object,
  ): Promise<{ files: { name: string; content: string }[]; mutants: readonly StrykerMutant[] }>
}

/** What the tests came to. */
export interface Outcome {
  /** Mutants that some test runs through. */
  covered: string[]
  killed: string[]
  /** Tests that fail when they are run twice, or take too long to be repeated: they kill nothing. */
  unused: string[]
}

export const outcomeFile = '.stryker/outcome.json'

/** Puts Stryker's mutants into these files, and those of these folders. */
export async function instrument(paths: readonly string[]): Promise<Instrumented> {
  const names = paths
    .flatMap((path) =>
      path.endsWith('.ts')
        ? [path]
        : readdirSync(path, { recursive: true }).map((name) => join(path, String(name))),
    )
    .filter((name) => name.endsWith('.ts'))
  const contents = new Map(names.map((name) => [resolve(name), readFileSync(name, 'utf8')]))
  const files = [...contents].map(([name, content]) => ({ name, content, mutate: true }))
  const made = await (await createInstrumenter()).instrument(files, {
    plugins: null,
    ignorers: [],
    excludedMutations: [],
  })
  return {
    sources: new Map(made.files.map(({ name, content }) => [name, content])),
    mutants: made.mutants.map(({ id, fileName, mutatorName, replacement, location }) => ({
      id,
      file: fileName.slice(process.cwd().length + 1),
      line: location.start.line + 1,
      kind: mutatorName,
      original: between(contents.get(fileName) as string, location.start, location.end),
      replacement,
    })),
  }
}

function between(text: string, start: Position, end: Position): string {
  const lines = text.split('\n').slice(start.line, end.line + 1)
  lines[lines.length - 1] = (lines.at(-1) as string).slice(0, end.column)
  return lines.join('\n').slice(start.column)
}

/** The instrumenter is a part of Stryker's core, which does not export it. */
async function createInstrumenter(): Promise<StrykerInstrumenter> {
  const core = createRequire(import.meta.url).resolve('@stryker-mutator/core/package.json')
  const load = (name: string) => import(pathToFileURL(createRequire(core).resolve(name)).href)
  const { createInjector } = await load('typed-inject')
  const { createInstrumenter: create } = await load('@stryker-mutator/instrumenter')
  const silent = Object.fromEntries(
    ['trace', 'debug', 'info', 'warn', 'error', 'fatal'].map((level) => [level, () => {}]),
  )
  return createInjector()
    .provideValue('logger', { ...silent, isDebugEnabled: () => false, isTraceEnabled: () => false })
    .provideValue('options', {})
    .provideValue('fileDescriptions', {})
    .injectFunction(create)
}

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Lowest first: a folder imports from its own rank and below. `write-keys` stands for the files directly in `src`. */
const ranks = [
  ['runtime'],
  ['http'],
  ['keys'],
  ['rules', 'limits', 'redis', 'stores'],
  ['cache'],
  ['verifier'],
  ['management', 'watch', 'usage'],
  ['write-keys'],
  ['admin', 'ingest', 'metrics'],
  ['adapter'],
  ['testing'],
  ['cli'],
]

/** What adapters may import of src: what anybody can who writes one. */
const publicEntries = ['src/index.ts', 'src/adapter/index.ts']

const frameworks = ['express', 'koa', '@nestjs/*', 'reflect-metadata', 'rxjs', 'fastify']
const optionalPackages = [
  ...frameworks,
  ...['kysely', 'pg', 'mysql2', 'libsql', 'better-sqlite3', 'redis', '@redis/*', 'ioredis', 'iovalkey'],
  ...['hono', 'zod', '@opentelemetry/*', 'prom-client'],
]

interface Import {
  specifier: string
  /** The imported file, from the root, when the specifier is relative; otherwise the package. */
  file?: string
  package?: string
  isType: boolean
  isDynamic: boolean
}

function listSources(folder: string): string[] {
  const path = resolve(root, folder)
  if (!existsSync(path)) return []
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.[cm]?tsx?$/.test(entry.name))
    .map((entry) => relative(root, resolve(entry.parentPath, entry.name)).split(sep).join('/'))
}

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

function isTypeOnly(node: ts.ImportDeclaration | ts.ExportDeclaration): boolean {
  if (ts.isExportDeclaration(node)) return node.isTypeOnly
  const clause = node.importClause
  if (clause === undefined) return false
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true
  const names = clause.namedBindings
  return (
    clause.name === undefined &&
    names !== undefined &&
    ts.isNamedImports(names) &&
    names.elements.length > 0 &&
    names.elements.every((element) => element.isTypeOnly)
  )
}

function readImports(file: string): Import[] {
  const text = readFileSync(resolve(root, file), 'utf8')
  const found: Import[] = []
  const add = (specifier: string, isType: boolean, isDynamic: boolean) => {
    const target = specifier.startsWith('.')
      ? {
          file: relative(root, resolve(root, dirname(file), specifier))
            .split(sep)
            .join('/'),
        }
      : { package: packageOf(specifier) }
    found.push({ specifier, isType, isDynamic, ...target })
  }
  const visit = (node: ts.Node): void => {
    if (
      (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) &&
      node.moduleSpecifier !== undefined
    ) {
      add((node.moduleSpecifier as ts.StringLiteral).text, isTypeOnly(node), false)
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      add((node.argument.literal as ts.StringLiteral).text, true, false)
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [argument] = node.arguments
      if (argument !== undefined && ts.isStringLiteralLike(argument)) add(argument.text, false, true)
    }
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true))
  return found
}

const sources = [...listSources('src'), ...listSources('adapters')]
const importsOf = new Map(sources.map((file) => [file, readImports(file)]))
const edges = sources.flatMap((from) => (importsOf.get(from) ?? []).map((to) => ({ from, to })))

/** Every file that an import of the root entry loads. */
const rootReaches = new Set<string>()
const toVisit = ['src/index.ts']
for (let file = toVisit.pop(); file !== undefined; file = toVisit.pop()) {
  if (rootReaches.has(file)) continue
  rootReaches.add(file)
  for (const to of importsOf.get(file) ?? [])
    if (to.file !== undefined && !to.isDynamic) toVisit.push(to.file)
}

const areaOf = (file: string) =>
  file.split('/').length === 2 ? 'write-keys' : (file.split('/')[1] as string)
const rankOf = (area: string) => ranks.findIndex((rank) => rank.includes(area))
const isOneOf = (name: string, list: string[]) =>
  list.some((entry) => (entry.endsWith('/*') ? name.startsWith(entry.slice(0, -1)) : name === entry))

/** A path of nodes that leads back to its first, or undefined. */
function findCycle(nodes: Iterable<string>, next: (node: string) => Iterable<string>): string[] | undefined {
  const finished = new Set<string>()
  const path: string[] = []
  const walk = (node: string): string[] | undefined => {
    if (path.includes(node)) return [...path.slice(path.indexOf(node)), node]
    if (finished.has(node)) return undefined
    path.push(node)
    for (const target of next(node)) {
      const cycle = walk(target)
      if (cycle !== undefined) return cycle
    }
    path.pop()
    finished.add(node)
    return undefined
  }
  for (const node of nodes) {
    const cycle = walk(node)
    if (cycle !== undefined) return cycle
  }
  return undefined
}

describe('imports', () => {
  it('name files that exist, with their extension', () => {
    const broken = edges.filter(({ to }) => to.file !== undefined && !existsSync(resolve(root, to.file)))
    expect(broken.map(({ from, to }) => `${from} → ${to.specifier}`)).toEqual([])
  })

  it('go from one layer of src to the same or a lower one', () => {
    const inside = edges.filter(
      ({ from, to }) => from.startsWith('src/') && from !== 'src/index.ts' && to.file?.startsWith('src/'),
    )
    const wrong = inside
      .filter(({ to }) => to.file !== 'src/index.ts')
      .filter(({ from, to }) => rankOf(areaOf(from)) < rankOf(areaOf(to.file as string)))
    expect(wrong.map(({ from, to }) => `${from} → ${to.file}`)).toEqual([])
  })

  it('never go from src to an adapter', () => {
    const wrong = edges.filter(({ from, to }) => from.startsWith('src/') && to.file?.startsWith('adapters/'))
    expect(wrong.map(({ from, to }) => `${from} → ${to.file}`)).toEqual([])
  })

  it('have a layer for every folder of src', () => {
    const unknown = sources.filter((file) => file.startsWith('src/') && rankOf(areaOf(file)) < 0)
    expect(unknown).toEqual([])
  })

  it('never lead in a circle from file to file', () => {
    const cycle = findCycle(sources, (file) => (importsOf.get(file) ?? []).flatMap((to) => to.file ?? []))
    expect(cycle?.join(' → ')).toBeUndefined()
  })

  it('never lead in a circle from folder to folder', () => {
    const inside = edges.filter(({ from, to }) => from.startsWith('src/') && to.file?.startsWith('src/'))
    const areas = new Map<string, Set<string>>()
    for (const { from, to } of inside) {
      if (from === 'src/index.ts' || to.file === 'src/index.ts') continue
      const [source, target] = [areaOf(from), areaOf(to.file as string)]
      if (source !== target) areas.set(source, (areas.get(source) ?? new Set()).add(target))
    }
    expect(findCycle(areas.keys(), (area) => areas.get(area) ?? [])?.join(' → ')).toBeUndefined()
  })

  it('reach src/index.ts from cli, testing and the adapters only', () => {
    const wrong = edges.filter(
      ({ from, to }) => to.file === 'src/index.ts' && !/^(src\/(cli|testing)|adapters)\//.test(from),
    )
    expect(wrong.map(({ from }) => from)).toEqual([])
  })

  it('give an adapter the public entries of src, its own files and its framework, nothing else', () => {
    const wrong = edges
      .filter(({ from }) => from.startsWith('adapters/'))
      .filter(({ to }) => {
        if (to.file !== undefined) return !publicEntries.includes(to.file) && !to.file.startsWith('adapters/')
        return !to.specifier.startsWith('node:') && !isOneOf(to.package as string, [...frameworks, 'hono'])
      })
    expect(wrong.map(({ from, to }) => `${from} → ${to.specifier}`)).toEqual([])
  })

  it('take only types from Express, Koa, Fastify and Hono, in their adapters alone', () => {
    const framework = edges.filter(({ to }) => isOneOf(to.package ?? '', frameworks))
    const wrong = framework.filter(
      ({ from, to }) =>
        from.startsWith('src/') ||
        (isOneOf(to.package as string, ['express', 'koa', 'fastify']) && !to.isType),
    )
    const hono = edges.filter(
      ({ from, to }) => from.startsWith('adapters/') && to.package === 'hono' && !to.isType,
    )
    expect([...wrong, ...hono].map(({ from, to }) => `${from} → ${to.specifier}`)).toEqual([])
  })

  it('load no optional package, not even its types, with src/index.ts', () => {
    const wrong = edges.filter(
      ({ from, to }) => rootReaches.has(from) && !to.isDynamic && isOneOf(to.package ?? '', optionalPackages),
    )
    expect(wrong.map(({ from, to }) => `${from} → ${to.specifier}`)).toEqual([])
  })

  it('name no type of an optional package in the metrics: an app with one of the two compiles without the other', () => {
    const wrong = edges.filter(
      ({ from, to }) => from.startsWith('src/metrics/') && isOneOf(to.package ?? '', optionalPackages),
    )
    expect(wrong.map(({ from, to }) => `${from} → ${to.specifier}`)).toEqual([])
  })

  it('load nothing of Node with src/index.ts: node-builtins.ts does when it is needed', () => {
    const wrong = edges.filter(
      ({ from, to }) =>
        rootReaches.has(from) &&
        !to.isType &&
        to.specifier.startsWith('node:') &&
        to.specifier !== 'node:util',
    )
    expect(wrong.map(({ from, to }) => `${from} → ${to.specifier}`)).toEqual([])
  })
})

/** Lines that a file may have, and a function. Suites of tests in `src/testing` are lists, and have no limit. */
const mostLines = { file: 250, function: 80 }

function countLines(text: string): number {
  return text.split('\n').length - 1
}

/** Each function with a body as `file name`, and its lines. */
function measureFunctions(file: string): [name: string, lines: number][] {
  const text = readFileSync(resolve(root, file), 'utf8')
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
  const lineOf = (position: number) => source.getLineAndCharacterOfPosition(position).line
  const found: [string, number][] = []
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) && 'body' in node && node.body !== undefined) {
      const named = node.name ?? (node.parent as { name?: ts.Node }).name
      found.push([
        `${file} ${named?.getText(source) ?? '(anonymous)'}`,
        lineOf(node.end) - lineOf(node.getStart(source)) + 1,
      ])
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

describe('lengths', () => {
  const measured = [...sources, ...listSources('dashboard/src')].filter(
    (file) => !file.startsWith('src/testing/'),
  )

  it('of files stay on a few screens', () => {
    const lengths = measured.map(
      (file) => [file, countLines(readFileSync(resolve(root, file), 'utf8'))] as const,
    )
    expect(lengths.filter(([, lines]) => lines > mostLines.file)).toEqual([])
  })

  it('of functions stay on one or two', () => {
    const lengths = measured.flatMap(measureFunctions)
    expect(lengths.length).toBeGreaterThan(1_000)
    expect(lengths.filter(([, lines]) => lines > mostLines.function)).toEqual([])
  })
})

describe('timers', () => {
  it('are put into the background by one function, which knows runtimes where they are numbers', () => {
    const wrong = sources
      .filter((file) => file !== 'src/runtime/timers.ts')
      .filter((file) =>
        /\b(set(Timeout|Interval)\([^\n]*\)|\}, [\w.]+\)|\w*([tT]imer|[hH]eartbeat|[cC]heck))\.unref/.test(
          readFileSync(resolve(root, file), 'utf8'),
        ),
      )
    expect(wrong).toEqual([])
  })
})

describe('file names', () => {
  it('say a subject', () => {
    const vague = sources.filter((file) => /^(utils?|helpers?|common|types|misc)\./.test(basename(file)))
    expect(vague).toEqual([])
  })
})

import { readFileSync } from 'node:fs'
import ts from 'typescript'
import { root } from './code-blocks.ts'

interface Section {
  title: string
  about: string
  /** The file and the interface that declares the options. */
  file: string
  name: string
  /** Only what it declares itself: what it extends has a section of its own. */
  ownOnly?: boolean
}

const sections: readonly Section[] = [
  {
    title: 'createWriteKeys(options)',
    about: 'Unknown options and bad values throw `ConfigError` at once.',
    file: 'src/write-keys-options.ts',
    name: 'WriteKeysOptions',
  },
  {
    title: 'cache',
    about: 'What a process remembers of the store ([stores](stores.md)).',
    file: 'src/cache/cache-options.ts',
    name: 'CacheOptions',
  },
  {
    title: 'usage',
    about: 'Counting ([stores](stores.md)).',
    file: 'src/usage/usage-options.ts',
    name: 'UsageOptions',
  },
  {
    title: 'activity',
    about: 'The debugger, problems and anomalies ([the page](dashboard.md)).',
    file: 'src/watch/activity.ts',
    name: 'ActivityOptions',
  },
  {
    title: 'activity.anomalies',
    about: 'When traffic is reported as unusual.',
    file: 'src/watch/anomaly.ts',
    name: 'AnomalyOptions',
  },
  {
    title: 'plans: { name: … }',
    about: 'What keys of a plan leave unset comes from it ([management](management.md)).',
    file: 'src/keys/plans.ts',
    name: 'PlanOptions',
  },
  {
    title: 'writeKeyAuth(keys, options)',
    about: 'What every adapter takes. Some take more: see the page of your framework.',
    file: 'src/adapter/adapter-options.ts',
    name: 'AdapterOptions',
  },
  {
    title: 'guardListener(app, keys, options), guardServer(server, keys, options)',
    about: 'What the guard of a whole server takes beside that ([Node](node.md)).',
    file: 'adapters/node.ts',
    name: 'GuardOptions',
    ownOnly: true,
  },
  {
    title: 'WriteKeyModule.forRoot(options), WriteKeyGuard',
    about:
      'What Nest takes beside that ([NestJS](nestjs.md)); the module also takes the options of `createWriteKeys`.',
    file: 'adapters/nestjs/module-options.ts',
    name: 'WriteKeyGuardOptions',
    ownOnly: true,
  },
  {
    title: 'WriteKeyModule.forRoot(options)',
    about: 'What the module adds to the application ([NestJS](nestjs.md)).',
    file: 'adapters/nestjs/module-options.ts',
    name: 'WriteKeyRoutesOptions',
  },
  {
    title: 'forwardEvents(options)',
    about: 'Forwarding from your own domain ([forwarding](recipes/forwarding.md)).',
    file: 'src/ingest/forward-options.ts',
    name: 'ForwardOptions',
  },
  {
    title: 'createMemoryLimiter(options)',
    about: 'The limiter of one process.',
    file: 'src/limits/memory-limiter.ts',
    name: 'MemoryLimiterOptions',
  },
  {
    title: 'createRedisLimiter(options)',
    about: 'The limiter of many processes ([many processes](many-processes.md)).',
    file: 'src/redis/limiter-options.ts',
    name: 'RedisLimiterOptions',
  },
  {
    title: 'createRedisHints(options)',
    about: 'Changes are heard of at once ([many processes](many-processes.md)).',
    file: 'src/redis/hints.ts',
    name: 'RedisHintsOptions',
  },
  {
    title: 'createSqlStore({ url })',
    about: 'Keys in a database that the store connects to ([stores](stores.md)).',
    file: 'src/stores/sql/store-options.ts',
    name: 'SqlStoreUrlOptions',
  },
  {
    title: 'createSqlStore({ pool })',
    about: 'Keys over your own pool ([stores](stores.md)).',
    file: 'src/stores/sql/store-options.ts',
    name: 'SqlStorePoolOptions',
  },
  {
    title: 'createSqlStore({ db })',
    about: "Keys in a database through the application's own Kysely ([stores](stores.md)).",
    file: 'src/stores/sql/store-options.ts',
    name: 'SqlStoreDbOptions',
  },
  {
    title: 'createAdminApi(keys, options)',
    about: 'The management API and its page ([management](management.md)).',
    file: 'src/admin/admin-options.ts',
    name: 'AdminApiOptions',
  },
  {
    title: 'createIngestApi(keys, options)',
    about: 'Ready-made endpoints ([senders](senders.md)).',
    file: 'src/ingest/ingest-api.ts',
    name: 'IngestApiOptions',
  },
]

/** The options that may be left out and may not be `undefined`, as `INTERFACE.OPTION`. */
export function optionsThatRefuseUndefined(): string[] {
  return sections.flatMap(({ file, name, ownOnly }) =>
    membersOf(file, name, ownOnly)
      .filter(({ isOptional, mayBeUndefined }) => isOptional && !mayBeUndefined)
      .map(({ option }) => `${name}.${option}`),
  )
}

export function optionNames(name: string): string[] {
  const section = sections.find((one) => one.name === name)
  if (section === undefined) throw new Error(`no options are called ${name}`)
  return membersOf(section.file, name, section.ownOnly).map(({ option }) => option)
}

/** docs/options.md, from the docstrings of the options. */
export function makeOptionsPage(): string {
  return [
    '# Options',
    '',
    'Every option that has a default, a range or a rule, as its docstring says it. This page is made from those docstrings.',
    ...sections.flatMap(describeSection),
    '',
  ].join('\n')
}

function describeSection({ title, about, file, name, ownOnly }: Section): string[] {
  const rows = membersOf(file, name, ownOnly).map(
    ({ option, type, text }) => `| \`${option}\` | ${type} | ${text} |`,
  )
  return ['', `## \`${title}\``, '', about, '', '| option | type | meaning |', '|---|---|---|', ...rows]
}

interface Member {
  option: string
  /** Whether it may be left out, and whether it may be given as `undefined`. */
  isOptional: boolean
  mayBeUndefined: boolean
  type: string
  text: string
}

function membersOf(file: string, name: string, ownOnly = false): Member[] {
  const source = ts.createSourceFile(file, readFileSync(root + file, 'utf8'), ts.ScriptTarget.ESNext, true)
  const declaration = source.statements.find(
    (statement): statement is ts.InterfaceDeclaration =>
      ts.isInterfaceDeclaration(statement) && statement.name.text === name,
  )
  if (declaration === undefined) throw new Error(`${file} has no interface ${name}`)
  const inherited = ((ownOnly ? undefined : declaration.heritageClauses) ?? []).flatMap(({ types }) =>
    types.flatMap(({ expression }) => {
      const parent = expression.getText(source)
      return membersOf(fileOf(source, parent) ?? file, parent)
    }),
  )
  const own = declaration.members.filter(ts.isPropertySignature).map((member) => ({
    option: member.name.getText(source),
    isOptional: member.questionToken !== undefined,
    mayBeUndefined: typesOf(member).some(
      ({ kind }) => kind === ts.SyntaxKind.UndefinedKeyword || kind === ts.SyntaxKind.UnknownKeyword,
    ),
    type: `\`${typeText(member, source)}\``.replaceAll('|', '\\|'),
    text: docOf(member).replaceAll('|', '\\|'),
  }))
  const names = new Set(own.map(({ option }) => option))
  return [...own, ...inherited.filter(({ option }) => !names.has(option))]
}

function typesOf({ type }: ts.PropertySignature): readonly ts.TypeNode[] {
  if (type === undefined) return []
  return ts.isUnionTypeNode(type) ? type.types : [type]
}

/** The type without `undefined`, which every option may be that can be left out. */
function typeText(member: ts.PropertySignature, source: ts.SourceFile): string {
  const types = typesOf(member).filter(({ kind }) => kind !== ts.SyntaxKind.UndefinedKeyword)
  const [only] = types
  if (types.length === 1 && only && ts.isParenthesizedTypeNode(only))
    return oneLine(only.type.getText(source))
  const text = types.map((type) => type.getText(source)).join(' | ')
  return oneLine(text.replace(/\/\*\*[\s\S]*?\*\//g, ''))
}

/** Where an interface that another one extends is imported from; `undefined`: it stands in the same file. */
function fileOf(source: ts.SourceFile, name: string): string | undefined {
  const from = source.statements.find(
    (statement): statement is ts.ImportDeclaration =>
      ts.isImportDeclaration(statement) &&
      new RegExp(`\\b${name}\\b`).test(statement.importClause?.getText(source) ?? ''),
  )
  if (from === undefined) return undefined
  const specifier = (from.moduleSpecifier as ts.StringLiteral).text
  return new URL(specifier, `file:///${source.fileName}`).pathname.slice(1)
}

function docOf(member: ts.PropertySignature): string {
  const [doc] = ts.getJSDocCommentsAndTags(member)
  const comment = doc === undefined ? undefined : ts.getTextOfJSDocComment(doc.comment)
  return oneLine(comment ?? '')
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}

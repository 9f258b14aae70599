import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { libraryEntries } from '../../tsdown.config.ts'

/** What each subpath exports at run time. A name here is a promise: it stays until a release that says otherwise. */
const values: Record<string, readonly string[]> = {
  index: [
    'ConfigError',
    'KeyError',
    'StoreError',
    'createMemoryLimiter',
    'createMemoryStore',
    'createWriteKeys',
    'parsePeppers',
  ],
  node: ['adminRoutes', 'guardListener', 'guardServer', 'ingestRoutes', 'writeKeyAuth', 'writeKeyOf'],
  fastify: ['adminRoutes', 'ingestRoutes', 'writeKeyAuth', 'writeKeyOf'],
  hono: ['adminRoutes', 'ingestRoutes', 'writeKeyAuth', 'writeKeyOf'],
  fetch: ['adminRoutes', 'ingestRoutes', 'writeKeyAuth', 'writeKeyOf'],
  express: ['adminRoutes', 'ingestRoutes', 'writeKeyAuth', 'writeKeyOf'],
  koa: ['adminRoutes', 'ingestRoutes', 'writeKeyAuth', 'writeKeyOf'],
  nestjs: [
    'EventType',
    'SkipWriteKey',
    'WriteKey',
    'WriteKeyException',
    'WriteKeyGuard',
    'WriteKeyModule',
    'WriteKeysService',
    'writeKeyOf',
  ],
  adapter: [
    'BodyTakenError',
    'ConfigError',
    'PromisedHeaders',
    'adminRoutes',
    'answerAdmin',
    'answerByFetch',
    'answerIngest',
    'answerOnce',
    'answerPastFastify',
    'anything',
    'assertAdminApi',
    'assertIngestApi',
    'badOption',
    'bodyOf',
    'callback',
    'computedProperty',
    'copyJson',
    'createClientAddress',
    'createContext',
    'createLineLogger',
    'createNodeGuard',
    'createPathTest',
    'fetchPathOf',
    'findContext',
    'flag',
    'givenFields',
    'hasUnsaidContent',
    'hideKey',
    'ingestRoutes',
    'isContinued',
    'isNodeCall',
    'isReset',
    'keepBody',
    'keepHeaders',
    'keptNodeRequest',
    'makeRequest',
    'mergeHeader',
    'namesOfNodeRequests',
    'nodeBodyOf',
    'nodeOf',
    'oneOf',
    'openCount',
    'passedAs',
    'pathBelow',
    'pathOf',
    'pathStartOf',
    'readOptions',
    'readRegisterOptions',
    'readRouteOptions',
    'refuseForeign',
    'refuseRouteOptions',
    'rememberPassage',
    'requireContext',
    'resolveAdapterOptions',
    'rewindBody',
    'setAcceptedBody',
    'setRefusalHeaders',
    'setReplyHeaders',
    'setWriteKey',
    'shareShape',
    'sharedLayout',
    'takeContinue',
    'tellRefused',
    'toFastifyHeaderTarget',
    'toFetchIngestRequest',
    'toHeaders',
    'toIngestRequest',
    'toResponse',
    'trySetAcceptedHeaders',
    'trySetFastifyHeaders',
    'verifyOnce',
    'withAcceptedBody',
    'withAcceptedHeaders',
    'withoutCarriedKey',
    'writeKeysOptionNames',
    'writeReply',
  ],
  sql: ['createSqlStore'],
  redis: ['createRedisHints', 'createRedisLimiter'],
  admin: ['createAdminApi'],
  ingest: ['createIngestApi', 'forwardEvents'],
  metrics: ['measureWithOpenTelemetry', 'measureWithPrometheus', 'openTelemetry', 'prometheus'],
  testing: [
    'adapterContract',
    'createKeyRecord',
    'createManualClock',
    'createTestKeys',
    'limiterContract',
    'storeContract',
    'usageBucketMs',
  ],
}

describe('the names that the package exports', () => {
  it.each(Object.keys(libraryEntries))('are those of the list in writekey/%s', (entry) => {
    expect(namesOf(libraryEntries[entry] as string)).toEqual(values[entry])
  })
})

describe('the names for other people’s adapters, stores and tests', () => {
  const pages = readdirSync('docs', { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md') && !file.startsWith('api/'))
    .map((file) => readFileSync(join('docs', file), 'utf8'))
    .join('\n')

  it.each(['adapter', 'testing'])('of writekey/%s are in the docs', (entry) => {
    expect(values[entry]?.filter((name) => !new RegExp(`\\b${name}\\b`).test(pages))).toEqual([])
  })
})

const program = ts.createProgram(Object.values(libraryEntries), {
  module: ts.ModuleKind.NodeNext,
  target: ts.ScriptTarget.ES2023,
  allowImportingTsExtensions: true,
  experimentalDecorators: true,
  noEmit: true,
  types: ['node'],
})

function namesOf(entry: string): string[] {
  const checker = program.getTypeChecker()
  const module = checker.getSymbolAtLocation(program.getSourceFile(entry) as ts.SourceFile) as ts.Symbol
  return checker
    .getExportsOfModule(module)
    .filter((symbol) => {
      const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
      return (target.flags & ts.SymbolFlags.Value) !== 0
    })
    .map((symbol) => symbol.name)
    .toSorted()
}

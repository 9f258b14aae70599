import ts from 'typescript'
import { type CodeBlock, root } from './code-blocks.ts'

/** Where the package's names come from while it is developed. */
const sources = {
  writekey: 'src/index.ts',
  'writekey/express': 'adapters/express.ts',
  'writekey/koa': 'adapters/koa.ts',
  'writekey/node': 'adapters/node.ts',
  'writekey/fastify': 'adapters/fastify.ts',
  'writekey/hono': 'adapters/hono.ts',
  'writekey/fetch': 'adapters/fetch.ts',
  'writekey/nestjs': 'adapters/nestjs/index.ts',
  'writekey/adapter': 'src/adapter/index.ts',
  'writekey/sql': 'src/stores/sql/index.ts',
  'writekey/redis': 'src/redis/index.ts',
  'writekey/admin': 'src/admin/index.ts',
  'writekey/ingest': 'src/ingest/index.ts',
  'writekey/metrics': 'src/metrics/index.ts',
  'writekey/testing': 'src/testing/index.ts',
}

export function sourceOf(specifier: string): string | undefined {
  const source = (sources as Record<string, string>)[specifier]
  return source && root + source
}

/** What a reader has before a block: what earlier blocks of the page declare, and things of their own. */
const surroundings = `
declare const keys: import('writekey').WriteKeys
declare const createWriteKeys: typeof import('writekey').createWriteKeys
declare const createMemoryStore: typeof import('writekey').createMemoryStore
declare const createMemoryLimiter: typeof import('writekey').createMemoryLimiter
declare const createSqlStore: typeof import('writekey/sql').createSqlStore
declare const createRedisLimiter: typeof import('writekey/redis').createRedisLimiter
declare const createRedisHints: typeof import('writekey/redis').createRedisHints
declare const createAdminApi: typeof import('writekey/admin').createAdminApi
declare const writeKeyAuth: typeof import('writekey/express').writeKeyAuth
declare const adminRoutes: typeof import('writekey/express').adminRoutes
declare const app: import('express').Express
declare const handler: import('express').RequestHandler
declare const createServer: typeof import('node:http').createServer
declare const guardListener: typeof import('writekey/node').guardListener
declare const guardServer: typeof import('writekey/node').guardServer
declare const server: import('node:http').Server
declare const koa: import('koa')
declare const nest: import('@nestjs/common').INestApplication
declare const Fastify: typeof import('fastify').default
declare const fastify: import('fastify').FastifyInstance
declare const id: string
declare const ids: string[]
declare const secretId: string
declare const connectionString: string
declare const db: import('kysely').Kysely<unknown>
declare const pg: typeof import('pg')
declare function createMyStore(): import('writekey').KeyStore
declare const token: string
declare const client: import('ioredis').Redis
declare const subscriber: import('ioredis').Redis
declare const metrics: { count(name: string): void }
declare const api: import('writekey/admin').AdminApi
declare const WriteKeyModule: typeof import('writekey/nestjs').WriteKeyModule
declare class ConfigModule {}
declare class ConfigService { getOrThrow(name: string): string }
declare function pino(): import('writekey').Logger
/** Installed on its own, where somebody asks for it: see test/senders/inngest. */
declare module 'inngest' {
  export class Inngest {
    constructor(options: { id: string; eventKey: string; baseUrl: string })
    send(event: { name: string; data: object }): Promise<{ ids: string[] }>
  }
}
`

/** Where a page means something else by a name; declared in each of its blocks that does not declare it itself. */
const surroundingsOfDocument: Record<string, Record<string, string>> = {
  'docs/adapters.md': {
    server: "declare const server: import('@hapi/hapi').Server",
    guarded: "declare const guarded: import('@hapi/hapi').RouteOptions",
  },
  'docs/fastify.md': {
    writeKeyAuth: "declare const writeKeyAuth: typeof import('writekey/fastify').writeKeyAuth",
  },
  'docs/web.md': {
    writeKeyAuth: "declare const writeKeyAuth: typeof import('writekey/fetch').writeKeyAuth",
    Server: 'interface Server { requestIP(request: Request): { address: string } | null }',
    serve:
      'declare function serve(options: { fetch(request: Request, server: Server): Promise<Response> }): void',
  },
  'docs/recipes/sinks.md': {
    createPostgresSink:
      "declare const createPostgresSink: (pool: import('pg').Pool) => Promise<{ onEvents(events: import('writekey/ingest').SentEvent[]): Promise<void> }>",
  },
  'docs/recipes/forwarding.md': {
    forwardEvents: "declare const forwardEvents: typeof import('writekey/ingest').forwardEvents",
  },
  'docs/operations.md': { handle: 'declare function handle(request: Request): Promise<Response>' },
  'docs/koa.md': {
    app: "declare const app: import('koa')",
    router: "declare const router: import('@koa/router').Router",
    writeKeyAuth: "declare const writeKeyAuth: typeof import('writekey/koa').writeKeyAuth",
    adminRoutes: "declare const adminRoutes: typeof import('writekey/koa').adminRoutes",
  },
}

function declares(code: string, name: string): boolean {
  return new RegExp(`(const|let|function|class|import)\\b[^\\n=]*\\b${name}\\b`).test(code)
}

/** On the fence's own line, so that the compiler's line numbers are the document's. */
function toModule({ document, line, code }: CodeBlock): string {
  const own = Object.entries(surroundingsOfDocument[document] ?? {})
    .filter(([name]) => !declares(code, name))
    .map(([, declaration]) => declaration)
  return `${'\n'.repeat(line - 1)}${own.join(';')}\n${code}export {}\n`
}

/** Compiles blocks as strictly as our own sources. Names each error as `README.md:12: …`. */
export function compileBlocks(blocks: readonly CodeBlock[]): string[] {
  const files = new Map([[`${root}test/docs/surroundings.d.ts`, surroundings]])
  const documents = new Map<string, string>()
  for (const block of blocks) {
    // A block that names its file can be imported by another one of its page.
    const named = /^\/\/ ([\w.-]+)\.ts\n/.exec(block.code)?.[1]
    const file = `${root}test/docs/${named ?? `${block.document.replaceAll('/', '-')}-${block.line}`}.ts`
    files.set(file, toModule(block))
    documents.set(file, block.document)
  }
  const config = ts.getParsedCommandLineOfConfigFile(`${root}tsconfig.json`, undefined, {
    ...ts.sys,
    onUnRecoverableConfigFileDiagnostic: (diagnostic) => {
      throw new Error(String(diagnostic.messageText))
    },
  })
  const options: ts.CompilerOptions = {
    ...config?.options,
    paths: Object.fromEntries(Object.entries(sources).map(([name, path]) => [name, [root + path]])),
  }
  const host = ts.createCompilerHost(options)
  const { fileExists, readFile, getSourceFile } = host
  host.fileExists = (file) => files.has(file) || fileExists(file)
  host.readFile = (file) => files.get(file) ?? readFile(file)
  host.getSourceFile = (file, version, ...rest) => {
    const text = files.get(file)
    return text === undefined
      ? getSourceFile(file, version, ...rest)
      : ts.createSourceFile(file, text, version)
  }
  const program = ts.createProgram([...files.keys()], options, host)
  return [...documents].flatMap(([file, document]) => {
    const source = program.getSourceFile(file)
    if (source === undefined) return [`${document}: not compiled`]
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(
      ({ start = 0, messageText }) =>
        `${document}:${source.getLineAndCharacterOfPosition(start).line + 1}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`,
    )
  })
}

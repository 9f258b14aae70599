import { once } from 'node:events'
import type { Server } from 'node:http'
import { type AddressInfo, isIPv6 } from 'node:net'
import { join } from 'node:path'
import { createAdminApi } from '../admin/index.ts'
import { createWriteKeys, type Logger, type WriteKeys } from '../index.ts'
import { createLineLogger } from '../verifier/logger.ts'
import { resolveServeAccess } from './admin-token.ts'
import { CliError, exitCodes, usageError } from './cli-error.ts'
import { startDemo } from './demo.ts'
import { createIngestServer, type ReceivedEvent } from './ingest-server.ts'
import { parseNumber } from './key-flags.ts'
import { keysOptionsFrom } from './keys-options.ts'
import { createRefusalNotes } from './refusal-notes.ts'
import { serverStop } from './server-stop.ts'
import { createSignInCode } from './sign-in-code.ts'
import { tellStoreFailure } from './store-failure.ts'
import {
  dataFolder,
  describeStore,
  memoryUrl,
  openStore,
  storeUrl,
  type TablesLocation,
} from './store-location.ts'
import { noteLine, printLine, type Terminal } from './terminal.ts'

export interface ServeOptions {
  store?: string | undefined
  port?: string | undefined
  host?: string | undefined
  tables?: TablesLocation
  defaultRateLimitEps?: string | undefined
  /** Invented keys and traffic, in memory unless a store is named. */
  demo?: boolean | undefined
}

/** A server that runs. */
export interface RunningServer {
  /** `http://host:port` */
  url: string
  /** Answers what is under way, stores what has been counted, and stops. */
  stop(): Promise<void>
}

const tokenFile = join(dataFolder, 'admin-token.sha256')

/**
 * Ingest, management API and page in one process. The first start makes a key and a management token and prints
 * both; every accepted event becomes one line of JSON on standard output.
 */
export async function serve(options: ServeOptions, terminal: Terminal): Promise<RunningServer> {
  const port = parsePort(
    options.port ?? terminal.env.PORT ?? '3000',
    options.port === undefined ? 'PORT' : '--port',
  )
  const host = options.host ?? terminal.env.HOST ?? '127.0.0.1'
  const location = options.demo === true ? (options.store ?? memoryUrl) : storeUrl(options.store, terminal)
  const { tables = {} } = options
  const keysOptions = keysOptionsFrom(terminal)
  if (options.defaultRateLimitEps !== undefined) {
    keysOptions.defaultRateLimitEps = parseNumber('default-rate-limit-eps', options.defaultRateLimitEps)
  }
  const { logger, begin } = createLogger(terminal)
  const store = await openStore(location, tables, true)
  // Those of the demo would push the link out of sight.
  const noteRefusal = options.demo === true ? () => {} : createRefusalNotes(terminal)
  const keys = createWriteKeys({
    ...keysOptions,
    store,
    // What is invented is nobody's data.
    ...(options.demo === true && { activity: { keepPayloads: true, keepHeaders: true } }),
    logger,
    onEvent: (event) => noteRefusal(event, keys),
  })
  let stopDemo = () => {}
  try {
    await keys.ready()
    begin()
    const access = resolveServeAccess(terminal, location === memoryUrl ? undefined : tokenFile)
    const signIn = createSignInCode()
    const byToken = access.options.authorize
    const admin = createAdminApi(keys, {
      ...access.options,
      authorize: async (request, info) =>
        signIn.authorize(request, info) ?? (await byToken?.(request, info)) ?? null,
      ...(keysOptions.trustedProxies !== undefined && { trustedProxies: keysOptions.trustedProxies }),
      logger,
    })
    const server = createIngestServer({
      keys,
      admin,
      signIn,
      eventTypes: keysOptions.eventTypes ?? [],
      credentials: keysOptions.credentials,
      onEvents: (events) => printEvents(terminal, events),
    })
    const stopServer = serverStop(server)
    // Listen first: a port that is in use must not lose a secret that is shown only once.
    const url = await listen(server, port, host)
    try {
      access.keep()
      const firstKey = await createFirstKey(keys)
      if (options.demo === true) stopDemo = await startDemo(keys, store)
      greet(terminal, {
        url,
        place: describeStore(location, tables),
        isKept: location !== memoryUrl,
        firstKey,
        token: access.created,
        code: signIn.code,
      })
    } catch (error) {
      server.close()
      server.closeAllConnections()
      throw error
    }
    return {
      url,
      async stop() {
        stopDemo()
        await stopServer()
        await keys.close()
      },
    }
  } catch (error) {
    await keys.close()
    throw tellStoreFailure(error, describeStore(location, tables))
  }
}

function printEvents(terminal: Terminal, events: readonly ReceivedEvent[]): void {
  for (const { key, event } of events) {
    const { id, name, sourceType } = key
    const from = { write_key_id: id, write_key_name: name, source_type: sourceType }
    printLine(terminal, JSON.stringify({ ...event, ...from }))
  }
}

/** Makes a key when there is none at all, so that there is something to send with. */
async function createFirstKey(keys: WriteKeys): Promise<string | undefined> {
  const { data } = await keys.list({ limit: 1 })
  if (data.length > 0) return undefined
  const { key } = await keys.create({ name: 'Demo', sourceType: 'other' }, { actor: { name: 'serve' } })
  return key
}

async function listen(server: Server, port: number, host: string): Promise<string> {
  server.listen(port, host)
  try {
    await once(server, 'listening')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const why =
      code === 'EADDRINUSE'
        ? `Port ${port} is in use. Choose another one with --port or PORT.`
        : code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' || code === 'EAI_AGAIN'
          ? `This machine has no address ${host}. Choose another one with --host or HOST, such as 127.0.0.1.`
          : `Cannot listen on ${host}, port ${port}: ${code ?? 'unknown error'}.`
    throw new CliError(exitCodes.unavailable, why)
  }
  const { port: actual } = server.address() as AddressInfo
  const name = host === '127.0.0.1' || host === '0.0.0.0' || host === '::' ? 'localhost' : host
  return `http://${isIPv6(name) ? `[${name}]` : name}:${actual}`
}

interface Greeting {
  url: string
  place: string
  /** Whether keys and token are there at the next start. */
  isKept: boolean
  firstKey: string | undefined
  token: string | undefined
  /** Signs in to the page once. */
  code: string
}

function greet(terminal: Terminal, greeting: Greeting): void {
  const { url, place, firstKey, token, code } = greeting
  const isOwnToken = terminal.env.WRITEKEY_ADMIN_TOKEN !== undefined
  const key = firstKey ?? '<write key>'
  const lines = [
    `writekey listens on ${url}, keys in ${place}`,
    '',
    firstKey === undefined
      ? 'Write key:   (shown when it was made; make another with: writekey create)'
      : `Write key:   ${firstKey}`,
    token === undefined
      ? `Management token: (${isOwnToken ? 'the one in WRITEKEY_ADMIN_TOKEN' : `shown at the first start; lost? Delete ${tokenFile} and start again`})`
      : `Management token: ${token}`,
    ...noteOnSecrets(greeting),
    '',
    'Send an event:',
    '',
    `  curl -u '${key}:' ${url}/v1/track -H 'Content-Type: application/json' -d '{"event":"Hello","userId":"you"}'`,
    '',
    `Manage keys: ${url}/events/write-keys`,
    '  signed in, once and within ten minutes:',
    `  ${url}/events/write-keys#code=${code}`,
    'Accepted events follow, one line of JSON each.',
    '',
  ]
  for (const line of lines) printLine(terminal, line)
}

/** What becomes of the secrets that the greeting shows. */
function noteOnSecrets({ isKept, firstKey, token }: Greeting): string[] {
  const shown = [
    ...(firstKey === undefined ? [] : ['write key']),
    ...(token === undefined ? [] : ['management token']),
  ]
  if (shown.length === 0) return []
  const isOne = shown.length === 1
  const becomes = isKept
    ? `${isOne ? 'is' : 'are'} not shown again`
    : `${isOne ? 'lasts' : 'last'} until this process ends`
  return [`The ${shown.join(' and the ')} ${becomes}.`]
}

function parsePort(text: string, name: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (port <= 65_535) return port
  const shown = JSON.stringify(text.slice(0, 40))
  throw usageError(`${name} must be a whole number from 0 to 65535; received ${shown}.`)
}

/** Silent until `begin`: before that, a failure of the store becomes the answer of the command. */
function createLogger(terminal: Terminal): { logger: Logger; begin(): void } {
  let hasBegun = false
  const log = (line: string) => {
    if (hasBegun) noteLine(terminal, line)
  }
  return {
    logger: createLineLogger({ error: log, warn: log }),
    begin() {
      hasBegun = true
    },
  }
}

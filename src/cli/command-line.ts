import { type ParseArgsConfig, parseArgs } from 'node:util'
import { ConfigError, createWriteKeys, KeyError, StoreError } from '../index.ts'
import { isWellFormedSecret } from '../keys/secret.ts'
import { nearestName } from '../runtime/nearest-name.ts'
import { check } from './check-command.ts'
import { CliError, type ExitCode, exitCodes, usageError } from './cli-error.ts'
import { helpText } from './help.ts'
import { keyCommands } from './key-commands.ts'
import { keyFlags, toFlagName } from './key-flags.ts'
import { keysOptionsFrom } from './keys-options.ts'
import { migrate } from './migrate-command.ts'
import { printPatterns } from './secret-pattern.ts'
import { type ServeOptions, serve } from './serve.ts'
import { describeStore, namingTables, openStore, storeUrl, tablesLocation } from './store-location.ts'
import { type Following, tailApi, tailStore } from './tail-command.ts'
import { noteLine, printLine, type Terminal } from './terminal.ts'
import { packageVersion } from './version.ts'

type Flags = NonNullable<ParseArgsConfig['options']>

const text = { type: 'string' } as const
const page = { limit: text, cursor: text }
const yes = { type: 'boolean' } as const

/** The options of each command, beside those that all have. */
const commandFlags: Readonly<Record<string, Flags>> = {
  create: keyFlags('create'),
  list: {
    status: text,
    'source-type': text,
    environment: text,
    workspace: text,
    plan: text,
    q: text,
    sort: text,
    all: yes,
    ...page,
  },
  show: {},
  import: { format: text, 'dry-run': yes },
  find: { 'secret-stdin': yes },
  pattern: {},
  update: { ...keyFlags('update'), 'if-version': text },
  rotate: { 'grace-period-hours': text },
  pause: {},
  resume: {},
  'enforce-trial': {},
  'drop-trial': {},
  revoke: { yes, 'secret-stdin': yes },
  delete: { yes },
  usage: { window: text, zone: text },
  tail: { refused: yes, key: text, api: text, token: text },
  audit: { key: text, workspace: text, ...page },
  migrate: { finish: yes, 'dry-run': yes },
  serve: { port: text, host: text, 'default-rate-limit-eps': text, demo: yes },
  check: { type: text, name: text, origin: text, address: text },
}
/** Commands that write keys, and so say where. */
const changing = new Set(
  'create import update rotate pause resume enforce-trial drop-trial revoke delete'.split(' '),
)
const commonFlags = {
  store: text,
  schema: text,
  'table-prefix': text,
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' },
} as const satisfies Flags

/**
 * Runs one command. Problems become a line on standard error and an exit code.
 *
 * @param onServer called with what is to run until the process is told to stop
 */
export async function runCommandLine(
  argv: readonly string[],
  terminal: Terminal,
  onServer: (server: Following) => void,
): Promise<ExitCode> {
  try {
    return await run(argv, terminal, onServer)
  } catch (error) {
    for (const line of `writekey: ${describeError(error)}`.split('\n')) noteLine(terminal, line)
    return exitCodeOf(error)
  }
}

async function run(
  argv: readonly string[],
  terminal: Terminal,
  onServer: (server: Following) => void,
): Promise<ExitCode> {
  refuseSecrets(argv)
  const [command, ...rest] = argv
  if (command === '--version') {
    printLine(terminal, packageVersion())
    return exitCodes.ok
  }
  if (command === undefined || command === 'help' || command === '--help' || command === '-h') {
    terminal.stdout.write(helpText)
    return command === undefined ? exitCodes.usage : exitCodes.ok
  }
  const flags = Object.hasOwn(commandFlags, command) ? commandFlags[command] : undefined
  if (flags === undefined) {
    const near = nearestName(command, Object.keys(commandFlags))
    const meant = near === undefined ? '' : ` Did you mean: writekey ${near}?`
    throw usageError(`There is no such command.${meant} See: writekey --help`)
  }
  const { values, positionals } = parse(rest, flags)
  if (values.help === true) {
    terminal.stdout.write(helpText)
    return exitCodes.ok
  }
  if (command === 'serve') {
    const { store, port, host, demo } = values
    const defaultRateLimitEps = values['default-rate-limit-eps']
    const tables = tablesLocation(values, terminal)
    const options = { store, port, host, defaultRateLimitEps, tables, demo } as ServeOptions
    onServer(await serve(options, terminal))
    return exitCodes.ok
  }
  if (command === 'pattern') {
    printPatterns(values, terminal)
    return exitCodes.ok
  }
  if (command === 'tail') {
    onServer(await tail(values, positionals, terminal))
    return exitCodes.ok
  }
  if (command === 'migrate') {
    await migrate({ values, args: positionals, terminal })
    return exitCodes.ok
  }
  return onStore(command, values, positionals, terminal)
}

async function tail(
  values: Record<string, string | boolean | undefined>,
  args: string[],
  terminal: Terminal,
): Promise<Following> {
  if (args.length > 0) throw usageError('tail takes no argument; a key is named with --key.')
  const run = { values, args, terminal }
  if (typeof values.api === 'string') return tailApi(run, values.api)
  const url = storeUrl(typeof values.store === 'string' ? values.store : undefined, terminal)
  const tables = tablesLocation(values, terminal)
  const store = await openStore(url, tables)
  const keys = createWriteKeys({ ...keysOptionsFrom(terminal), store, logger: false })
  try {
    await keys.ready()
    return await tailStore(run, keys)
  } catch (error) {
    await keys.close()
    throw namingTables(error, describeStore(url, tables))
  }
}

async function onStore(
  command: string,
  values: Record<string, string | boolean | undefined>,
  args: string[],
  terminal: Terminal,
): Promise<ExitCode> {
  const url = storeUrl(typeof values.store === 'string' ? values.store : undefined, terminal)
  const tables = tablesLocation(values, terminal)
  const place = describeStore(url, tables)
  const store = await openStore(url, tables)
  const options = keysOptionsFrom(terminal)
  if (command === 'check') {
    try {
      return await check({ args, values, terminal }, store, options)
    } catch (error) {
      throw namingTables(error, place)
    } finally {
      await store.close()
    }
  }
  // What fails is this command's answer.
  const keys = createWriteKeys({ ...options, store, logger: false })
  try {
    await (keyCommands[command] as (typeof keyCommands)[string])({ keys, args, values, terminal })
    if (changing.has(command) && values['dry-run'] !== true) noteLine(terminal, `Written to ${place}`)
    return exitCodes.ok
  } catch (error) {
    throw namingTables(error, place)
  } finally {
    await keys.close()
  }
}

function parse(args: string[], flags: Flags) {
  try {
    return parseArgs({
      args,
      options: { ...flags, ...commonFlags },
      allowPositionals: true,
      strict: true,
    }) as {
      values: Record<string, string | boolean | undefined>
      positionals: string[]
    }
  } catch (error) {
    // The parser's message quotes the argument, which may be a value put in the wrong place.
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION')
      throw usageError('An option lacks its value, or has one too many. See: writekey --help')
    throw usageError(`An option is not known${nearestOption(args, flags)}. See: writekey --help`)
  }
}

/**
 * The option that was probably meant, by its own name: what was typed may be a value put in the wrong place.
 */
function nearestOption(args: readonly string[], flags: Flags): string {
  const names = Object.keys({ ...flags, ...commonFlags })
  for (const argument of args) {
    const typed = /^--([A-Za-z0-9-]{1,40})(?:=|$)/.exec(argument)?.[1]
    if (typed === undefined || names.includes(typed)) continue
    const near = nearestName(typed, names)
    if (near !== undefined) return `; did you mean --${near}?`.replace(/[?]$/, '')
  }
  return ''
}

/** A key on the command line is in the shell's history and in every user's process list: it has leaked. */
function refuseSecrets(argv: readonly string[]): void {
  if (argv.some((argument) => argument.split(/[^A-Za-z0-9_-]/).some(isWellFormedSecret))) {
    throw usageError(
      'An argument is the secret of a write key. Others can see it there: rotate that key, and give secrets on standard input.',
    )
  }
}

function describeError(error: unknown): string {
  if (error instanceof KeyError && error.field !== undefined) {
    return error.message.replace(error.field, `--${toFlagName(error.field)}`)
  }
  if (error instanceof Error && isOurs(error)) return error.message
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

function isOurs(error: Error): boolean {
  return [CliError, ConfigError, KeyError, StoreError].some((known) => error instanceof known)
}

function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CliError) return error.exitCode
  if (error instanceof ConfigError) return exitCodes.usage
  if (error instanceof KeyError) return error.code === 'invalid_field' ? exitCodes.usage : exitCodes.refused
  return exitCodes.unavailable
}

import { ConfigError, KeyError, StoreError } from '../index.ts'
import { toKebabCase } from '../runtime/letter-case.ts'
import { apiTransport } from './api-transport.ts'
import { commandNamed, parseArguments, refuseSecrets, type Values } from './arguments.ts'
import { check } from './check-command.ts'
import { assertOneId } from './chosen-key.ts'
import { CliError, type ExitCode, exitCodes, usageError } from './cli-error.ts'
import type { Command } from './command-run.ts'
import type { CommandSpec } from './command-spec.ts'
import { type CommandName, commands } from './command-table.ts'
import { commandHelp, overview } from './help.ts'
import { importKeys } from './import-command.ts'
import { assertNamed, keyCommands } from './key-commands.ts'
import { createManagementClient, type ManagementClient } from './management-client.ts'
import { migrate } from './migrate-command.ts'
import { readingCommands } from './reading-commands.ts'
import { printPatterns } from './secret-pattern.ts'
import { type ServeOptions, serve } from './serve.ts'
import { tablesLocation } from './store-location.ts'
import { storeTransport } from './store-transport.ts'
import { type Following, tail } from './tail-command.ts'
import { noteLine, printLine, type Terminal, widthOf } from './terminal.ts'
import { packageVersion } from './version.ts'

/** Commands that end by themselves and know only the management API. */
const clientCommands: Readonly<Record<Exclude<CommandName, NotOfClients>, Command>> = {
  ...keyCommands,
  ...readingCommands,
  import: importKeys,
}
type NotOfClients = 'serve' | 'tail' | 'check' | 'migrate' | 'pattern'

type OnRunning = (running: Following) => void

/**
 * Runs one command. Problems become a line on standard error and an exit code.
 *
 * @param onRunning called with what is to run until the process is told to stop
 */
export async function runCommandLine(
  argv: readonly string[],
  terminal: Terminal,
  onRunning: OnRunning,
): Promise<ExitCode> {
  try {
    return await run(argv, terminal, onRunning)
  } catch (error) {
    return tellError(error, terminal)
  }
}

/** Says what went wrong, and returns the exit code for it. */
export function tellError(error: unknown, terminal: Terminal): ExitCode {
  for (const line of `writekey: ${describeError(error)}`.split('\n')) noteLine(terminal, line, 'bad')
  return exitCodeOf(error)
}

async function run(argv: readonly string[], terminal: Terminal, onRunning: OnRunning): Promise<ExitCode> {
  refuseSecrets(argv)
  const [name, ...rest] = argv
  const width = Math.min(100, widthOf(terminal.stdout))
  if (name === '--version') {
    printLine(terminal, packageVersion())
    return exitCodes.ok
  }
  const asked = name === 'help' ? rest[0] : undefined
  if (asked === undefined && (name === undefined || name === 'help' || name === '--help' || name === '-h')) {
    terminal.stdout.write(overview(width))
    return name === undefined ? exitCodes.usage : exitCodes.ok
  }
  const command = commandNamed(asked ?? (name as string))
  // Help is shown even if other arguments are wrong.
  if (asked !== undefined || rest.includes('--help') || rest.includes('-h')) {
    terminal.stdout.write(commandHelp(command, width))
    return exitCodes.ok
  }
  const { values, positionals: args } = parseArguments(command, rest)
  if (values.version === true) {
    printLine(terminal, packageVersion())
    return exitCodes.ok
  }
  const spec: CommandSpec = commands[command]
  if (args.length > 0 && spec.args === undefined)
    throw usageError(`${command} takes no argument beside its options. See: writekey ${command} --help`)
  assertComplete(command, spec, values, args)
  return runCommand(command, { values, args, terminal }, onRunning)
}

/** What is missing is told before a store is looked for. */
function assertComplete(command: CommandName, spec: CommandSpec, values: Values, args: string[]): void {
  if (spec.args === 'ID') assertOneId(args)
  if (command === 'create') assertNamed(values)
}

interface Asked {
  values: Values
  args: string[]
  terminal: Terminal
}

async function runCommand(command: CommandName, asked: Asked, onRunning: OnRunning): Promise<ExitCode> {
  const { values, terminal } = asked
  switch (command) {
    case 'serve':
      onRunning(await serve(serveOptions(values, terminal), terminal))
      return exitCodes.ok
    case 'pattern':
      printPatterns(values, terminal)
      return exitCodes.ok
    case 'migrate':
      await migrate(asked)
      return exitCodes.ok
    case 'check':
      return checkOnClient(asked)
    case 'tail': {
      const client = await openClient(command, asked)
      onRunning(await closing(client, tail({ ...asked, client })))
      return exitCodes.ok
    }
    default:
      return runOnClient(command, asked)
  }
}

async function runOnClient(command: keyof typeof clientCommands, asked: Asked): Promise<ExitCode> {
  const client = await openClient(command, asked)
  try {
    const run: Command = clientCommands[command]
    const outcome = await run({ ...asked, client })
    const { changes }: CommandSpec = commands[command]
    if (changes && outcome !== 'unchanged' && asked.values['dry-run'] !== true)
      noteLine(asked.terminal, `Written to ${client.place}`, 'dim')
    return exitCodes.ok
  } finally {
    await client.close()
  }
}

async function checkOnClient(asked: Asked): Promise<ExitCode> {
  const client = await openClient('check', asked)
  try {
    return await check({ ...asked, client })
  } finally {
    await client.close()
  }
}

async function openClient(command: CommandName, { values, terminal }: Asked): Promise<ManagementClient> {
  if (values.token !== undefined && values.api === undefined)
    throw usageError('--token is for a server: name it with --api.')
  const transport =
    typeof values.api === 'string'
      ? apiTransport(values.api, values, terminal)
      : await storeTransport(values, terminal, command === 'tail')
  return createManagementClient(transport)
}

/** Closes the client when what is to go on cannot begin. */
async function closing<Value>(client: ManagementClient, beginning: Promise<Value>): Promise<Value> {
  try {
    return await beginning
  } catch (error) {
    await client.close()
    throw error
  }
}

function serveOptions(values: Values, terminal: Terminal): ServeOptions {
  const { store, port, host, demo } = values
  const defaultRateLimitEps = values['default-rate-limit-eps']
  return {
    store,
    port,
    host,
    defaultRateLimitEps,
    tables: tablesLocation(values, terminal),
    demo,
  } as ServeOptions
}

function describeError(error: unknown): string {
  if (error instanceof KeyError && error.field !== undefined) {
    // A rule on trial is no flag of its own.
    const [name] = error.field.split('.') as [string]
    return `${error.message.replace(name, `--${toKebabCase(name)}`)}.`
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

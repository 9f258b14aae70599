import { parseArgs } from 'node:util'
import { isWellFormedSecret } from '../keys/secret.ts'
import { nearestName } from '../runtime/nearest-name.ts'
import { usageError } from './cli-error.ts'
import type { Flags } from './command-spec.ts'
import { type CommandName, commands, isCommand, sharedFlagsOf } from './command-table.ts'

export type Values = Readonly<Record<string, string | boolean | undefined>>

/** A secret on the command line is in the shell's history and in every user's process list: it has leaked. */
export function refuseSecrets(argv: readonly string[]): void {
  if (argv.some((argument) => argument.split(/[^A-Za-z0-9_-]/).some(isWellFormedSecret))) {
    throw usageError(
      'An argument is the secret of a write key. Others can see it there: rotate that key, and give secrets on standard input.',
    )
  }
}

/** @throws CliError with the name that was probably meant. */
export function commandNamed(name: string): CommandName {
  if (isCommand(name)) return name
  const near = nearestName(name, Object.keys(commands))
  const meant = near === undefined ? '' : ` Did you mean: writekey ${near}?`
  // Anything else may be a value in the wrong place, and so a secret.
  const shown = /^[a-z][a-z-]{0,19}$/i.test(name) ? ` ${name}` : ''
  throw usageError(`There is no command${shown}.${meant} See: writekey --help`)
}

/** The options and arguments behind a command's name. @throws CliError naming the option at fault. */
export function parseArguments(
  command: CommandName,
  args: string[],
): { values: Values; positionals: string[] } {
  const flags: Flags = { ...commands[command].flags, ...sharedFlagsOf(commands[command]) }
  const seeHelp = `See: writekey ${command} --help`
  const options = Object.fromEntries(
    Object.entries(flags).map(([name, { value }]) => [
      name,
      { type: value === undefined ? ('boolean' as const) : ('string' as const) },
    ]),
  )
  const { values, positionals, tokens } = parseArgs({
    args,
    options: { ...options, help: { type: 'boolean', short: 'h' } },
    allowPositionals: true,
    strict: false,
    tokens: true,
  })
  const given = new Set<string>()
  for (const token of tokens) {
    if (token.kind !== 'option') continue
    const { name, rawName, value, inlineValue } = token
    const flag = Object.hasOwn(flags, name) ? flags[name] : undefined
    if (flag === undefined)
      throw usageError(`${unknownOption(command, rawName, name, Object.keys(flags))} ${seeHelp}`)
    if (flag.value === undefined && value !== undefined)
      throw usageError(`--${name} takes no value. ${seeHelp}`)
    if (flag.value !== undefined && (value === undefined || (!inlineValue && looksLikeOption(value, flags))))
      throw usageError(`--${name} needs a value: --${name} ${flag.value}. ${seeHelp}`)
    if (given.has(name)) throw usageError(`--${name} is given twice. ${seeHelp}`)
    if (flag.words !== undefined && !flag.words.includes(value as string))
      throw usageError(`--${name} must be ${oneOf(flag.words, value as string)} ${seeHelp}`)
    given.add(name)
  }
  return { values: values as Values, positionals }
}

/** `active, paused or revoked.`, and the word that was probably meant. */
function oneOf(words: readonly string[], given: string): string {
  const near = nearestName(
    given,
    words.filter((word) => word.startsWith('-') === given.startsWith('-')),
  )
  const meant = near === undefined ? '.' : `; did you mean ${near}?`
  return `${words.slice(0, -1).join(', ')} or ${words.at(-1)}${meant}`
}

/** In `--name --json` the value is missing. In `--sort -name`, `-name` is the value. */
function looksLikeOption(value: string, flags: object): boolean {
  return (
    value === '-h' ||
    (value.startsWith('--') && Object.hasOwn(flags, value.slice(2).split('=', 1)[0] as string))
  )
}

function unknownOption(
  command: CommandName,
  rawName: string,
  name: string,
  names: readonly string[],
): string {
  if (commands[command].on === 'store' && (name === 'api' || name === 'token'))
    return `${command} works only on a store, so it has no --${name}.`
  const near = nearestName(name, names)
  const meant = near === undefined ? '.' : `; did you mean --${near}?`
  // What was typed may be a value put in the wrong place.
  if (!/^--?[A-Za-z][A-Za-z-]{0,29}$/.test(rawName))
    return `An argument that begins with - is not an option of ${command}${meant}`
  return `${command} has no option ${rawName}${meant}`
}

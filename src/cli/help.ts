import type { CommandSpec, Flags } from './command-spec.ts'
import { type CommandName, commands, sharedFlags, sharedFlagsOf } from './command-table.ts'

const exitCodeHelp =
  'Exit codes: 0 done (check: accepted), 1 refused, 2 wrong command line or value, 3 store, server or port not reachable, 4 check: a good key in a place that is not read, 130 interrupted.'
const secretHelp =
  'Secrets are printed once, to standard output, and read from standard input; never give one as an argument.'
const environmentHelp =
  'Environment: the options that must agree with the application are WRITEKEY_ENVIRONMENT, WRITEKEY_KEY_PREFIX, WRITEKEY_PEPPER, WRITEKEY_EVENT_TYPES, WRITEKEY_IMPORTED_KEYS, WRITEKEY_DEFAULT_RATE_LIMIT_EPS, WRITEKEY_EVENT_BYTES, WRITEKEY_PLANS, WRITEKEY_DEFAULT_PLAN and WRITEKEY_MAX_KEYS_PER_WORKSPACE; serve also takes PORT, HOST, WRITEKEY_ADMIN_TOKEN and WRITEKEY_TRUSTED_PROXIES. WRITEKEY_CREDENTIALS, for serve and check, says where keys are read, such as basic,bearer,header:X-Api-Key. NO_COLOR and FORCE_COLOR say whether output is coloured.'

/** What `writekey --help` prints, in lines of at most `width` characters. */
export function overview(width: number): string {
  const rows = Object.entries(commands).map(
    ([name, spec]: [string, CommandSpec]) =>
      [`${name}${spec.args === undefined ? '' : ` ${spec.args}`}`, spec.summary] as const,
  )
  return toText([
    'writekey: write keys for your event ingest',
    '',
    ...columns(rows, width),
    '',
    ...wrap('One command in detail, with examples: writekey COMMAND --help', width),
    '',
    ...flagLines(sharedFlags, width),
    '',
    ...[secretHelp, environmentHelp, exitCodeHelp].flatMap((text) => wrap(text, width)),
  ])
}

/** What `writekey COMMAND --help` prints. */
export function commandHelp(name: CommandName, width: number): string {
  const { summary, args, more, flags, examples }: CommandSpec = commands[name]
  const own = Object.keys(flags).length > 0
  return toText([
    ...wrap(`writekey ${name}: ${summary}`, width),
    '',
    `  writekey ${[name, ...(args === undefined ? [] : [args]), '[OPTIONS]'].join(' ')}`,
    '',
    ...(more === undefined ? [] : [...wrap(more, width), '']),
    ...(own ? [...flagLines(flags, width), ''] : []),
    ...flagLines(sharedFlagsOf(commands[name]), width),
    '',
    examples.length > 1 ? 'Examples:' : 'Example:',
    // Whole, so that they can be copied.
    ...examples.map((example) => `  ${example}`),
  ])
}

/** `--sort FIELD` */
function flagUsage(name: string, { value }: Flags[string]): string {
  return `--${name}${value === undefined ? '' : ` ${value}`}`
}

function flagLines(flags: Flags, width: number): string[] {
  return columns(
    Object.entries(flags).map(([name, flag]) => [flagUsage(name, flag), flag.help] as const),
    width,
  )
}

const widestFirst = 28

/** Names with what they mean beside them; below them where there is no room. */
function columns(rows: readonly (readonly [string, string])[], width: number): string[] {
  const first = Math.min(widestFirst, Math.max(...rows.map(([name]) => name.length)))
  const isNarrow = width < first + 34
  return rows.flatMap(([name, text]) => {
    if (isNarrow) return [`  ${name}`, ...wrap(text, width - 6).map((line) => `      ${line}`)]
    const lines = wrap(text, width - first - 4)
    const rest = lines.map((line) => `${' '.repeat(first + 4)}${line}`)
    if (name.length > first) return [`  ${name}`, ...rest]
    return [`  ${name.padEnd(first)}  ${lines[0]}`, ...rest.slice(1)]
  })
}

/** Lines of at most `width` characters, where words allow it. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const line = lines.length === 0 ? undefined : `${lines.at(-1)} ${word}`
    if (line === undefined || line.length > width) lines.push(word)
    else lines[lines.length - 1] = line
  }
  return lines
}

function toText(lines: readonly string[]): string {
  return `${lines.join('\n')}\n`
}

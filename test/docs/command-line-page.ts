import type { CommandSpec } from '../../src/cli/command-spec.ts'
import { commands, sharedFlags } from '../../src/cli/command-table.ts'
import type { Flags } from '../../src/cli/flags.ts'

const start = `# The command \`writekey\`

Everything that the [management API](management.md) does, from a shell. With \`--store\`, or \`WRITEKEY_STORE\`, it works on the tables
themselves; with \`--api\` and a management token, over a server that has the API:

\`\`\`sh
export WRITEKEY_STORE=postgres://…          # default sqlite:.data/writekey.db
writekey list

export WRITEKEY_TOKEN=…                     # a management token, not on the command line: others can see it there
writekey list --api https://events.example.com
\`\`\`

The API's own address, or that of its page, is as good as that of the server. A viewer's token reads; a token of a workspace sees that
workspace. \`serve\` and \`migrate\` work on a store alone.

## What is printed

- **Secrets** are printed once, alone on standard output (\`KEY=$(writekey create …)\`), and read from standard input; on a terminal they
  are not shown while you type. One given as an argument is refused, as every user of the machine can see it.
- **\`--json\`** is what the management API answers. **\`--csv\`**, of lists, is RFC 4180; a cell that a spreadsheet would run begins with an
  apostrophe.
- **Tables** fit your terminal: columns that do not are left out, and named on standard error. In a pipe they are whole. Times are UTC.
- **Colours** appear on terminals only. \`NO_COLOR=1\` turns them off, \`FORCE_COLOR=1\` on.
- Control, bidirectional and invisible characters in names, origins and events are printed as \`\\u202e\`: nothing that a sender or a
  colleague writes moves your cursor or hides.
- Every change of a key says on standard error where it was written to.

| exit code | meaning |
|---|---|
| 0 | done; \`check\`: would be accepted |
| 1 | refused: no such key, a conflict, not confirmed, not allowed, lines of an import; \`check\`: would be refused |
| 2 | a wrong command line, environment or value; nothing was done |
| 3 | the store, the server or the port cannot be reached |

These do not change within a major version.

## The same options as your app

With \`--store\`, the command makes and hashes keys like your app only if it is told the same options: \`WRITEKEY_ENVIRONMENT\`,
\`WRITEKEY_KEY_PREFIX\`, \`WRITEKEY_PEPPER\` (or several, newest first), \`WRITEKEY_EVENT_TYPES\`, \`WRITEKEY_IMPORTED_KEYS\`,
\`WRITEKEY_PLANS\` and \`WRITEKEY_DEFAULT_PLAN\` (JSON, and a name), \`WRITEKEY_DEFAULT_RATE_LIMIT_EPS\`, \`WRITEKEY_MAX_KEYS_PER_WORKSPACE\`.
With \`--api\` the server knows them.

Tables in a schema or under another prefix: \`--schema\` and \`--table-prefix\`, the same as the application's \`schema\` and \`tablePrefix\`. Only
\`migrate\` and \`serve\` make tables, or a SQLite file: others say what is missing, where, and exit with 3.
`

/** docs/command-line.md, with every command as its table says. */
export function makeCommandPage(): string {
  const sections = Object.entries(commands).map(([name, spec]) => section(name, spec))
  return [start, '## Options of every command\n', table(sharedFlags), ...sections].join('\n')
}

function section(name: string, { summary, args, more, flags, examples, on }: CommandSpec): string {
  const where = {
    either: '',
    store: ' Works on a store alone.',
    nothing: ' Needs neither store nor server.',
  }[on]
  return [
    `## ${name}${args === undefined ? '' : ` ${args}`}\n`,
    `${summary}${where}${more === undefined ? '' : ` ${more}`}\n`,
    ['```sh', ...examples, '```\n'].join('\n'),
    ...(Object.keys(flags).length === 0 ? [] : [table(flags)]),
  ].join('\n')
}

function table(flags: Flags): string {
  const rows = Object.entries(flags).map(([name, { value, help }]) => {
    const usage = `--${name}${value === undefined ? '' : ` ${value}`}`
    return `| \`${usage.replaceAll('|', '\\|')}\` | ${help.replaceAll('|', '\\|')} |`
  })
  return ['| option | meaning |', '|---|---|', ...rows, ''].join('\n')
}

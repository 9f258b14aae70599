import type { CommandSpec, Flags } from '../../src/cli/command-spec.ts'
import { commands, sharedFlags } from '../../src/cli/command-table.ts'

const start = `# The command \`writekey\`

The command does what the [management API](management.md) does, from a shell, except for lists of problems and
anomalies. With \`--store\` or \`WRITEKEY_STORE\`, it works
directly on the tables. With \`--api\` and a management token, it uses a server that has the API:

\`\`\`sh
export WRITEKEY_STORE=postgres://…          # default sqlite:.data/writekey.db
writekey list

export WRITEKEY_TOKEN=…                     # a management token, not on the command line: others can see it there
writekey list --api https://events.example.com
\`\`\`

\`--api\` takes the address of the server, of the API or of its page. A viewer's token can only read. A workspace's token sees only that
workspace. \`serve\` and \`migrate\` need a store.

## What is printed

- **Secrets** are printed once. The secret is the only text on standard output, so \`KEY=$(writekey create …)\` works.
- **A list** is texts between commas, or JSON where they have commas: \`--denied-event-names '["Order, paid"]'\`.
- **To pass a secret** to a command, use standard input; on a terminal it is not shown while you type. A secret given as an argument is
  refused, because every user of the machine can see it.
- **\`--json\`** prints the answer of the management API. **\`--csv\`** prints lists as RFC 4180. An empty
  cell is a rule that is not set, \`[]\` an empty list. A list with commas or blanks in its texts is written as JSON. A cell that a
  spreadsheet would run as a formula begins with an apostrophe, also where full-width signs, white space or apostrophes begin it.
  \`import\` takes that apostrophe away. An export has no secrets and more columns than an import reads: add \`key\`, and leave out
  those that it does not know.
- **Questions** before \`revoke\` and \`delete\` are asked on a terminal only. In a pipe, give \`--yes\`: what is on standard input does not answer.
- **Tables** fit your terminal: columns that do not fit are left out, and named on standard error. In a pipe, all columns are printed. Times
  are UTC.
- **Colours** appear only on terminals. \`NO_COLOR=1\` turns them off, \`FORCE_COLOR=1\` on.
- **Control, bidirectional and invisible characters** in names, origins and events are printed in the form \`\\u202e\`. So a sender or a
  colleague cannot move your cursor or hide text. \`--csv\` that goes to a file or another program has them as they are.
- **Changes** of a key say on standard error where they were written.

| exit code | meaning |
|---|---|
| 0 | done; \`check\`: the request would be accepted |
| 1 | refused: no such key, a conflict, another answer than the id to a question, not allowed, or lines of an import; \`check\`: the request would be refused |
| 2 | a wrong command line, environment or value, or no \`--yes\` where nobody can be asked; nothing was changed |
| 3 | the store, the server or the port cannot be reached |
| 4 | \`check\`: the key is good, but it stands in a place that is read only if the option \`credentials\` names it. With \`--json\`, \`needs_credentials\` says what to add |
| 130 | \`import\`: Ctrl-C, or asked to end, before it was done. Run it again on the whole file to continue: what exists is skipped |

These do not change within a major version.

## The same options as your app

With \`--store\`, the command makes and hashes keys like your app only if you give it the same options: \`WRITEKEY_ENVIRONMENT\`,
\`WRITEKEY_KEY_PREFIX\`, \`WRITEKEY_PEPPER\` (or several, newest first), \`WRITEKEY_EVENT_TYPES\`, \`WRITEKEY_IMPORTED_KEYS\`,
\`WRITEKEY_PLANS\` (JSON), \`WRITEKEY_DEFAULT_PLAN\`, \`WRITEKEY_DEFAULT_RATE_LIMIT_EPS\`, \`WRITEKEY_EVENT_BYTES\`,
\`WRITEKEY_MAX_KEYS_PER_WORKSPACE\`.
With \`--api\`, the server has them already.

\`WRITEKEY_CREDENTIALS\`, for \`check\` and \`serve\`, is the option \`credentials\`: words and named places with commas between, such as
\`basic,bearer,header:X-Api-Key,query:token,body:api_key,path:/e/:key\`. With \`--api\`, \`check\` goes by what the server says, unless that is of an older version or has a function there. It does not know of the paths of
SDKs (\`createIngestApi\`), which read keys in more places.

If the tables are in a schema or have another prefix, set \`--schema\` and \`--table-prefix\` like the application's \`schema\` and
\`tablePrefix\`. Only \`migrate\` and \`serve\` make tables or a new SQLite file. Other commands say what is missing and where,
and exit with 3.
`

/** docs/command-line.md, with every command as its table says. */
export function makeCommandPage(): string {
  const sections = Object.entries(commands).map(([name, spec]) => section(name, spec))
  return [start, '## Options of every command\n', table(sharedFlags), ...sections].join('\n')
}

function section(name: string, { summary, args, more, flags, examples, on }: CommandSpec): string {
  const where = {
    either: '',
    store: ' Needs a store; does not work with `--api`.',
    nothing: ' Needs no store and no server.',
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

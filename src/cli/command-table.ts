import { concerns } from '../keys/concern.ts'
import { effectiveStatuses } from '../keys/effective-status.ts'
import { countedSorts, storedSorts } from '../keys/list-query.ts'
import { sourceTypes } from '../keys/source-type.ts'
import { usageGroupings } from '../usage/usage-overview.ts'
import { changeSpecs } from './change-specs.ts'
import { type CommandSpec, type Flag, type Flags, secretStdin } from './command-spec.ts'

const sorts = [...storedSorts, ...countedSorts].flatMap((field) => [field, `-${field}`])

const limit: Flag = { value: 'N', help: 'Entries per page, at most 100. Default 50.' }
const cursor: Flag = { value: 'C', help: 'Continues where the previous page ended.' }
const all: Flag = { help: 'All pages.' }
const csv: Flag = { help: 'As CSV (RFC 4180), with all columns.' }

/** Every command, in the order of the help. */
export const commands = {
  serve: {
    summary: 'Runs ingest, management API and page in one process.',
    flags: {
      port: { value: 'N', help: 'Default 3000, or PORT; 0 = any free port.' },
      host: { value: 'ADDRESS', help: 'Default 127.0.0.1, or HOST.' },
      'default-rate-limit-eps': { value: 'N', help: 'Events per second of keys without a rate.' },
      demo: { help: 'Invented keys and traffic, in memory unless --store is given.' },
    },
    examples: ['writekey serve', 'writekey serve --demo --port 0', 'PORT=8080 HOST=0.0.0.0 writekey serve'],
    on: 'store',
  },
  ...changeSpecs,
  list: {
    summary: 'Lists keys, the newest first.',
    flags: {
      status: {
        value: effectiveStatuses.join('|'),
        words: effectiveStatuses,
        help: 'Only keys with this value.',
      },
      concern: {
        value: concerns.join('|'),
        words: concerns,
        help: 'Only keys in use that somebody should look at.',
      },
      'source-type': { value: sourceTypes.join('|'), words: sourceTypes, help: 'Only keys with this value.' },
      environment: { value: 'E', help: 'Only keys of one environment.' },
      workspace: { value: 'W', help: 'Only keys of one workspace.' },
      plan: { value: 'P', help: 'Only keys with one plan.' },
      q: { value: 'TEXT', help: 'Part of a name or environment, or the start of an id or of a secret.' },
      sort: {
        value: 'FIELD',
        words: sorts,
        help: 'created_at, name, environment, source_type, last_event_at, events_24h or rejected_24h; put - in front for the largest or latest first.',
      },
      all,
      csv,
      limit,
      cursor,
    },
    examples: [
      'writekey list --sort=-rejected_24h --limit 5',
      'writekey list --environment production --q "Web App"',
      'writekey list --all --csv > keys.csv',
    ],
    on: 'either',
  },
  show: {
    summary: 'Shows a key with its rules, secrets and volume.',
    args: 'ID',
    flags: {},
    examples: ['writekey show wk_0123456789abcdef'],
    on: 'either',
  },
  find: {
    summary: 'Finds the key that a secret belongs to.',
    flags: { 'secret-stdin': secretStdin },
    examples: ['writekey find --secret-stdin < leaked.txt'],
    on: 'either',
  },
  check: {
    summary: 'Tells whether a request with a secret would be accepted now, and if not, why and what to do.',
    more: 'Standard input holds the secret alone, or what sends it: KEY:, headers, a URL, a curl command, fetch("…", {…}) as browsers copy it, a request as logs show it, or a JSON body. Such a request is judged whole, with its headers, target, body and events, as WRITEKEY_CREDENTIALS says where keys are read (without it: Basic; with --api, as the server says). In any other text only the key is judged, and the answer says so. The secret is not printed. Nothing is ingested, counted or charged, and the rate limit is not checked.',
    flags: {
      type: {
        value: 'T',
        help: 'Type of the event, such as track. Default: those of the events in the request, if it shows them; otherwise types are not checked.',
      },
      name: { value: 'EVENT', help: 'Name of the event; needs --type.' },
      origin: { value: 'O', help: 'Origin of the page that sends, such as https://app.example.com.' },
      address: { value: 'IP', help: 'Address of the sender.' },
    },
    examples: [
      'writekey check < secret.txt',
      'writekey check --type track --origin https://app.example.com < secret.txt',
    ],
    on: 'either',
  },
  usage: {
    summary:
      'Shows what a key accepted and refused, by type and reason. Without ID: what all keys did, the most refused first.',
    args: '[ID]',
    flags: {
      'group-by': {
        value: 'BY',
        words: usageGroupings,
        help: 'Without ID: a line for each source_type (the default), workspace or key.',
      },
      window: { value: 'W', help: '1h to 720h or 1d to 30d. Default 24h.' },
      zone: { value: 'ZONE', help: 'Time zone of the calendar days, such as Asia/Kolkata. Default UTC.' },
      csv,
    },
    examples: [
      'writekey usage wk_0123456789abcdef --window 7d --zone Europe/Berlin',
      'writekey usage --group-by workspace',
    ],
    on: 'either',
  },
  tail: {
    summary: 'Shows the decisions of all processes live, until Ctrl-C.',
    flags: {
      refused: { help: 'Only refused requests.' },
      key: { value: 'ID', help: 'Only decisions about one key.' },
    },
    examples: [
      'writekey tail --refused',
      'WRITEKEY_TOKEN=… writekey tail --api https://events.example.com --json',
    ],
    on: 'either',
  },
  audit: {
    summary: 'Shows who changed what, the latest first.',
    flags: {
      key: { value: 'ID', help: 'Only changes of one key.' },
      workspace: { value: 'W', help: 'Only changes of keys of one workspace.' },
      all,
      csv,
      limit,
      cursor,
    },
    examples: ['writekey audit --key wk_0123456789abcdef', 'writekey audit --all --csv > audit.csv'],
    on: 'either',
  },
  pattern: {
    summary:
      'Prints a regular expression that matches secrets made here, for tools that search for leaked ones.',
    flags: {},
    examples: ['writekey pattern'],
    on: 'nothing',
  },
  migrate: {
    summary: 'Makes the tables of a store, or updates them.',
    flags: {
      finish: { help: 'Also runs the steps that lock out processes of older versions.' },
      'dry-run': { help: 'Prints the SQL without running it.' },
    },
    examples: ['writekey migrate --store postgres://localhost/app --dry-run'],
    on: 'store',
  },
} as const satisfies Readonly<Record<string, CommandSpec>>

export type CommandName = keyof typeof commands

/** Where the keys are. */
const storeFlags: Flags = {
  store: {
    value: 'URL',
    help: 'sqlite:PATH, postgres://…, mysql://… or memory:. Or WRITEKEY_STORE. Default sqlite:.data/writekey.db.',
  },
  schema: { value: 'NAME', help: 'Schema of the tables, or WRITEKEY_SCHEMA.' },
  'table-prefix': { value: 'PREFIX', help: 'Prefix of the tables, or WRITEKEY_TABLE_PREFIX.' },
}

const apiFlags: Flags = {
  api: { value: 'URL', help: 'A server with the management API, instead of a store.' },
  token: {
    value: 'T',
    help: 'Management token for --api. Other users of the machine can see it here; use WRITEKEY_TOKEN to hide it.',
  },
}

const generalFlags: Flags = {
  json: { help: 'For programs: prints the answer of the management API.' },
  help: { help: 'Prints the help of the command.' },
  version: { help: 'Prints the version of the package.' },
}

/** The options that commands have in common. */
export const sharedFlags: Flags = { ...storeFlags, ...apiFlags, ...generalFlags }

/** Those of them that a command takes. */
export function sharedFlagsOf({ on }: CommandSpec): Flags {
  return {
    ...(on === 'nothing' ? {} : storeFlags),
    ...(on === 'either' ? apiFlags : {}),
    ...generalFlags,
  }
}

export function isCommand(name: string): name is CommandName {
  return Object.hasOwn(commands, name)
}

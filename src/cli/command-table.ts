import { effectiveStatuses } from '../keys/effective-status.ts'
import { countedSorts, storedSorts } from '../keys/list-query.ts'
import { sourceTypes } from '../keys/source-type.ts'
import { changeSpecs } from './change-specs.ts'
import { type CommandSpec, secretStdin } from './command-spec.ts'
import type { Flag, Flags } from './flags.ts'

const sorts = [...storedSorts, ...countedSorts].flatMap((field) => [field, `-${field}`])

const limit: Flag = { value: 'N', help: 'Entries of one page, at most 100. Default 50.' }
const cursor: Flag = { value: 'C', help: 'Goes on where the page before ended.' }
const all: Flag = { help: 'All pages, one after the other.' }
const csv: Flag = { help: 'As CSV (RFC 4180), complete on every terminal.' }

/** Every command, in the order of the help. */
export const commands = {
  serve: {
    summary: 'Runs ingest, management API and page in one process.',
    flags: {
      port: { value: 'N', help: 'Default 3000, or PORT; 0 = any that is free.' },
      host: { value: 'ADDRESS', help: 'Default 127.0.0.1, or HOST.' },
      'default-rate-limit-eps': { value: 'N', help: 'Events per second of keys that set none.' },
      demo: { help: 'Invented keys and traffic, in memory unless --store is given.' },
    },
    examples: ['writekey serve', 'writekey serve --demo --port 0', 'PORT=8080 HOST=0.0.0.0 writekey serve'],
    on: 'store',
  },
  ...changeSpecs,
  list: {
    summary: 'Lists keys, the newest first.',
    flags: {
      status: { value: effectiveStatuses.join('|'), words: effectiveStatuses, help: 'Only these.' },
      'source-type': { value: sourceTypes.join('|'), words: sourceTypes, help: 'Only these.' },
      environment: { value: 'E', help: 'Only those of one environment.' },
      workspace: { value: 'W', help: 'Only those of one workspace.' },
      plan: { value: 'P', help: 'Only those of one plan.' },
      q: { value: 'TEXT', help: 'Part of a name or environment, or the start of an id or of a secret.' },
      sort: {
        value: 'FIELD',
        words: sorts,
        help: 'created_at, name, environment, source_type, last_event_at, events_24h or rejected_24h; with - in front the largest or latest first.',
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
    more: 'The secret is read from standard input: alone, with a colon behind it, as a whole Authorization header, or in a curl command. It is not repeated. Nothing is ingested, counted or charged, and the rate limit is not looked at.',
    flags: {
      type: {
        value: 'T',
        help: 'Type of the event, such as track. Without it only key, origin and address are looked at.',
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
    summary: 'What a key accepted and refused, by type and reason.',
    args: 'ID',
    flags: {
      window: { value: 'W', help: '1h to 720h or 1d to 30d. Default 24h.' },
      zone: { value: 'ZONE', help: 'Whose calendar days count, such as Asia/Kolkata. Default UTC.' },
      csv,
    },
    examples: ['writekey usage wk_0123456789abcdef --window 7d --zone Europe/Berlin'],
    on: 'either',
  },
  tail: {
    summary: 'Shows the decisions of all processes as they fall, until Ctrl-C.',
    flags: {
      refused: { help: 'Only what is refused.' },
      key: { value: 'ID', help: 'Only those of one key.' },
    },
    examples: [
      'writekey tail --refused',
      'WRITEKEY_TOKEN=… writekey tail --api https://events.example.com --json',
    ],
    on: 'either',
  },
  audit: {
    summary: 'Who changed what, the latest first.',
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
    summary: 'Prints the regular expression of our secrets, for tools that look for leaked ones.',
    flags: {},
    examples: ['writekey pattern'],
    on: 'nothing',
  },
  migrate: {
    summary: 'Makes the tables of a store, or brings them up to date.',
    flags: {
      finish: { help: 'Also what shuts out processes of older versions.' },
      'dry-run': { help: 'Prints the SQL and runs none of it.' },
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
  api: { value: 'URL', help: 'A server with the management API, in place of a store.' },
  token: {
    value: 'T',
    help: 'Management token for --api. Others on the machine can see it here; WRITEKEY_TOKEN hides it.',
  },
}

const generalFlags: Flags = {
  json: { help: 'For programs: what the management API answers.' },
  help: { help: 'The help of the command.' },
  version: { help: 'The version of the package.' },
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

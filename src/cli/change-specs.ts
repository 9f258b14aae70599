import type { Flag } from './command-spec.ts'
import { type CommandSpec, secretStdin } from './command-spec.ts'
import { fieldFlags } from './key-flags.ts'

const yes: Flag = { help: 'Does not ask for confirmation, for scripts.' }

/** Commands that change keys. */
export const changeSpecs = {
  create: {
    summary: 'Makes a key and prints its secret, once.',
    more: 'null removes a rule. An empty list is a rule: --allowed-origins "" allows no browser.',
    flags: fieldFlags('create'),
    examples: [
      'writekey create --name "Web App" --source-type web',
      'writekey create --name Billing --source-type server --rate-limit-eps 500 --allowed-event-types track,page',
    ],
    changes: true,
    on: 'either',
  },
  update: {
    summary: 'Renames a key or changes its rules.',
    args: 'ID',
    more: 'null removes a rule. An empty list is a rule: --allowed-origins "" allows no browser.',
    flags: {
      ...fieldFlags('update'),
      'if-version': { value: 'N', help: 'Only if the key still has this version.' },
    },
    examples: [
      'writekey update wk_0123456789abcdef --allowed-origins https://app.example.com',
      'writekey update wk_0123456789abcdef --allowed-origins null',
      `writekey update wk_0123456789abcdef --trial '{"rate_limit_eps":100}'`,
    ],
    changes: true,
    on: 'either',
  },
  rotate: {
    summary: 'Gives a key a new secret and prints it, once.',
    args: 'ID',
    flags: {
      'grace-period-hours': {
        value: 'N',
        help: 'How long earlier secrets are still accepted. Default 24; 0 = they end now.',
      },
    },
    examples: [
      'writekey rotate wk_0123456789abcdef',
      'writekey rotate wk_0123456789abcdef --grace-period-hours 0',
    ],
    changes: true,
    on: 'either',
  },
  'end-grace': {
    summary: 'Ends an earlier secret of a key before its grace is over.',
    args: 'ID',
    more: 'Asks for the id to confirm.',
    flags: {
      secret: {
        value: 'SECRET_ID',
        help: 'Which one, as writekey show prints it. Needed if there are several.',
      },
      yes,
    },
    examples: ['writekey end-grace wk_0123456789abcdef'],
    changes: true,
    on: 'either',
  },
  pause: {
    summary: 'Refuses a key with 429 until it is resumed.',
    args: 'ID',
    flags: {},
    examples: ['writekey pause wk_0123456789abcdef'],
    changes: true,
    on: 'either',
  },
  resume: {
    summary: 'Ends the pause of a key.',
    args: 'ID',
    flags: {},
    examples: ['writekey resume wk_0123456789abcdef'],
    changes: true,
    on: 'either',
  },
  'enforce-trial': {
    summary: 'Enforces the rules that a key has on trial.',
    args: 'ID',
    flags: {},
    examples: ['writekey enforce-trial wk_0123456789abcdef'],
    changes: true,
    on: 'either',
  },
  'drop-trial': {
    summary: 'Drops the rules that a key has on trial.',
    args: 'ID',
    flags: {},
    examples: ['writekey drop-trial wk_0123456789abcdef'],
    changes: true,
    on: 'either',
  },
  revoke: {
    summary: 'Ends a key for good.',
    args: '[ID]',
    more: 'Asks for the id to confirm. With --secret-stdin give no id, and --yes.',
    flags: { yes, 'secret-stdin': secretStdin },
    examples: ['writekey revoke wk_0123456789abcdef', 'writekey revoke --secret-stdin --yes < leaked.txt'],
    changes: true,
    on: 'either',
  },
  delete: {
    summary: 'Revokes a key and deletes it with its usage. The audit log stays.',
    args: 'ID',
    more: 'Asks for the id to confirm.',
    flags: { yes },
    examples: ['writekey delete wk_0123456789abcdef --yes'],
    changes: true,
    on: 'either',
  },
  import: {
    summary: 'Imports keys that were made elsewhere, from standard input.',
    more: 'One JSON object on each line, or CSV with a heading. Existing keys are skipped, so a second run continues where the first one ended.',
    flags: {
      format: {
        value: 'ndjson|csv',
        words: ['ndjson', 'csv'],
        help: 'Default: detected from the first line.',
      },
      'dry-run': { help: 'Checks everything and stores nothing.' },
    },
    examples: ['writekey import --dry-run < keys.ndjson', 'writekey import < keys.csv'],
    changes: true,
    on: 'either',
  },
} as const satisfies Readonly<Record<string, CommandSpec>>

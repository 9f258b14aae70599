import {
  maxNameLength,
  maxRateLimitEps,
  minRateLimitEps,
  parseEnvironment,
  parseEps,
  parseExpiresAt,
  parseMetadata,
  parseName,
  parsePlan,
  parseSourceType,
  parseWorkspace,
} from './field-parsers.ts'
import { describedKeyIdPattern, environmentPattern, planPattern, workspacePattern } from './ids.ts'
import { keyStatuses, pausers } from './key-status.ts'
import { sourceTypes } from './source-type.ts'

/** The lists that restrict a key. `null` = no rule. */
export interface KeyRules {
  /** The event types the key may send. */
  readonly allowedEventTypes: readonly string[] | null
  /** The event names the key may send; `billing/*` stands for all names that begin like that. */
  readonly allowedEventNames: readonly string[] | null
  /** Event names the key may not send; wins over `allowedEventNames`. */
  readonly deniedEventNames: readonly string[] | null
  /** Exact origins or `https://*.example.com`. `[]` = no browser at all. */
  readonly allowedOrigins: readonly string[] | null
  /** CIDR ranges or addresses the key may be used from. */
  readonly allowedIps: readonly string[] | null
  /** CIDR ranges or addresses the key may not be used from; wins over `allowedIps`. */
  readonly deniedIps: readonly string[] | null
}

/**
 * Rules on trial: judged beside the enforced ones, but they never refuse anything. Each is a list or rate as
 * the key may have it, never `null`.
 */
export type TrialRules = {
  readonly [Name in keyof KeyRules]?: NonNullable<KeyRules[Name]> | undefined
} & {
  readonly rateLimitEps?: number | undefined
  readonly senderRateLimitEps?: number | undefined
}

/**
 * The kinds of values. They say how a value is stored, how it looks in JSON and how the command line reads
 * it.
 */
interface Kinds {
  /** Text of people, in any alphabet. */
  text: string
  /** Plain ASCII characters. */
  word: string
  /** With fractions. */
  number: number
  whole: number
  /** Milliseconds since the epoch in a record, a `Date` for applications, ISO 8601 in JSON. */
  moment: number
  list: readonly string[]
  json: Readonly<Record<string, unknown>>
  /** Other fields, under their TypeScript names. */
  rules: TrialRules
}

export type FieldKind = keyof Kinds

/** What the entries of a list are. `rules/rule-fields.ts` has the parser of each kind. */
export type EntryKind = 'eventType' | 'eventName' | 'origin' | 'ip'

/** One field of a key. */
export interface KeyField {
  readonly kind: FieldKind
  /** Whether it may be `null`, which is its value when nothing sets it. */
  readonly nullable?: true
  /** When a caller may set it; absent = never. */
  readonly settable?: 'create' | 'always'
  /** Whether it may change after the key was revoked. */
  readonly evenRevoked?: true
  /** Checks the given value. Lists are parsed by their entries instead. */
  readonly parse?: (value: unknown, now: number) => unknown
  readonly entries?: EntryKind
  /** What an empty list means. */
  readonly whenEmpty?: 'keep' | 'refuse' | 'null'
  /** All possible values. */
  readonly words?: readonly string[]
  readonly pattern?: RegExp
  readonly range?: readonly [number, number]
  /** In characters. */
  readonly maxLength?: number
  /** For users of the management API. */
  readonly description?: string
}

/** Most entries of one list. */
export const maxListEntries = 1_000

/**
 * Every field of a key but its secrets, in the order of a record. Parsing, the rows of the SQL stores, the
 * management API with its description, and the flags of the command line are derived from it. docs/architecture.md
 * says what else a new rule needs.
 */
export const keyFields = {
  id: { kind: 'word', pattern: describedKeyIdPattern },
  name: {
    kind: 'text',
    settable: 'always',
    evenRevoked: true,
    parse: parseName,
    maxLength: maxNameLength,
    description: `1 to ${maxNameLength} characters.`,
  },
  sourceType: { kind: 'word', settable: 'always', parse: parseSourceType, words: sourceTypes },
  environment: { kind: 'word', settable: 'create', parse: parseEnvironment, pattern: environmentPattern },
  workspace: {
    kind: 'word',
    nullable: true,
    settable: 'create',
    parse: parseWorkspace,
    pattern: workspacePattern,
    description: 'The customer, team or project that the key belongs to; null = none. Never changed.',
  },
  plan: {
    kind: 'word',
    nullable: true,
    settable: 'always',
    parse: parsePlan,
    pattern: planPattern,
    description: "Says the rates of a key that sets none; null = the application's default plan.",
  },
  status: { kind: 'word', words: keyStatuses },
  pausedBy: {
    kind: 'word',
    nullable: true,
    words: pausers,
    description:
      'Whose pause it is: of somebody of the workspace, who may end it, or of whoever runs the service. Of a revoked key: whose pause was on it when it was revoked. null = none, or that of a paused key is unknown, which counts as the latter.',
  },
  trial: {
    kind: 'rules',
    nullable: true,
    settable: 'always',
    description:
      'Rules on trial (lists and rates): what they would refuse is counted and told, and nothing is refused by them; null = none.',
  },
  rateLimitEps: {
    kind: 'number',
    nullable: true,
    settable: 'always',
    parse: parseEps,
    range: [minRateLimitEps, maxRateLimitEps],
    description: "Events per second; null = the plan's, else the application's default.",
  },
  senderRateLimitEps: {
    kind: 'number',
    nullable: true,
    settable: 'always',
    parse: (value: unknown, now: number) => parseEps(value, now, 'senderRateLimitEps'),
    range: [minRateLimitEps, maxRateLimitEps],
    description:
      "Events per second of one sender with the key (an IPv4 address, or the /64 of an IPv6 one); null = the plan's, else no share of its own.",
  },
  allowedEventTypes: ruleList('eventType', 'refuse', 'Event types the key may send; null = all.'),
  allowedEventNames: ruleList(
    'eventName',
    'refuse',
    'Event names the key may send, * at the end as a wildcard; null = all.',
  ),
  deniedEventNames: ruleList(
    'eventName',
    'null',
    'Event names the key may not send; wins over the allowed ones.',
  ),
  allowedOrigins: ruleList(
    'origin',
    'keep',
    'Exact origins or https://*.example.com; null = any, [] = no browser at all.',
  ),
  allowedIps: ruleList('ip', 'refuse', 'Addresses and CIDR ranges the key may be used from; null = any.'),
  deniedIps: ruleList(
    'ip',
    'null',
    'Addresses and CIDR ranges the key may not be used from; wins over the allowed ones.',
  ),
  expiresAt: {
    kind: 'moment',
    nullable: true,
    settable: 'always',
    parse: parseExpiresAt,
    description: 'Accepted strictly before this moment, which must lie in the future; null = no end.',
  },
  metadata: {
    kind: 'json',
    nullable: true,
    settable: 'always',
    evenRevoked: true,
    parse: parseMetadata,
    description: 'At most 4096 bytes of JSON.',
  },
  createdAt: { kind: 'moment' },
  updatedAt: { kind: 'moment' },
  revokedAt: { kind: 'moment', nullable: true },
  version: { kind: 'whole' },
} as const satisfies Readonly<Record<string, KeyField>> & Readonly<Record<keyof KeyRules, RuleList>>

type RuleList = ReturnType<typeof ruleList>

function ruleList(entries: EntryKind, whenEmpty: 'keep' | 'refuse' | 'null', description: string) {
  return { kind: 'list', nullable: true, settable: 'always', entries, whenEmpty, description } as const
}

/** The rules that are lists. */
export const listFields = Object.entries(keyFields)
  .filter(([, { kind }]) => kind === 'list')
  .map(([name]) => name as keyof KeyRules)

/** The fields that can be on trial. */
export const trialFields: readonly (keyof TrialRules)[] = [
  'rateLimitEps',
  'senderRateLimitEps',
  ...listFields,
]

/** Every list of rules, none of them set. */
export const noRules = Object.fromEntries(listFields.map((name) => [name, null])) as unknown as KeyRules

export type KeyFields = typeof keyFields
export type FieldName = keyof KeyFields

/** The fields of which `Wanted` is true. */
export type FieldsWith<Wanted> = {
  [Name in FieldName]: KeyFields[Name] extends Wanted ? Name : never
}[FieldName]

/** The value of a field in a record. */
type FieldValue<Field extends KeyField> =
  | (Field extends { words: readonly (infer Word)[] } ? Word : Kinds[Field['kind']])
  | (Field extends { nullable: true } ? null : never)

/** All fields but the secrets, as a record holds them. */
export type FieldValues = { readonly [Name in FieldName]: FieldValue<KeyFields[Name]> }

export const fieldEntries = Object.entries(keyFields) as readonly (readonly [FieldName, KeyField])[]

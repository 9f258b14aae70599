import { readActor } from './keys/given-actor.ts'
import { type OptionNames, readCallOptions } from './runtime/call-options.ts'
import { describeValue } from './runtime/config-error.ts'
import { invalidField } from './runtime/errors.ts'
import type { UnderWay } from './verifier/under-way.ts'
import type { WriteKeys } from './write-keys-interface.ts'

/** Calls that can reject. */
type Call = {
  [Name in keyof WriteKeys]: WriteKeys[Name] extends (...parameters: never[]) => Promise<unknown>
    ? Name
    : never
}[keyof WriteKeys]

/** The options of a call are its last parameter. */
type OptionsOf<Name extends Call> =
  Required<Parameters<WriteKeys[Name]>> extends [...unknown[], infer Last] ? NonNullable<Last> : never

/** Where the options of a call stand, and their names. */
type CallOptions = {
  readonly [Name in Call]?: readonly [at: number, names: OptionNames<OptionsOf<Name>> | 'none']
}

const byActor = { actor: true } as const
const ofChange = { ...byActor, version: true } as const
const filters = {
  status: true,
  effectiveStatus: true,
  concern: true,
  sourceType: true,
  environment: true,
  workspace: true,
  plan: true,
  q: true,
} as const

const optionsOfCalls = {
  create: [1, { ...byActor, id: true }],
  import: [1, { ...byActor, dryRun: true, planned: true }],
  find: [1, { workspace: true }],
  check: [1, { type: true, name: true, origin: true, address: true, workspace: true }],
  list: [0, { ...filters, sort: true, limit: true, cursor: true }],
  get: [1, 'none'],
  room: [1, 'none'],
  update: [2, ofChange],
  enforceTrial: [1, ofChange],
  dropTrial: [1, ofChange],
  rotate: [1, { ...ofChange, gracePeriodHours: true }],
  endGrace: [2, ofChange],
  pause: [1, ofChange],
  resume: [1, ofChange],
  revoke: [1, ofChange],
  remove: [1, ofChange],
  usage: [1, { window: true, zone: true }],
  usageOverview: [0, { ...filters, window: true, zone: true, groupBy: true }],
  volumes: [1, 'none'],
  audit: [0, { keyId: true, workspace: true, limit: true, cursor: true }],
  noteRefused: [0, { ...byActor, keyId: true, workspace: true, details: true }],
} as const satisfies CallOptions

/**
 * The same calls, which refuse options that they do not have before they read or change anything. Each is under way until
 * it has its result.
 */
export function withCheckedOptions<Calls extends object>(
  calls: Calls,
  underWay: Pick<UnderWay, 'enter' | 'leave'>,
): Calls {
  const checked = { ...calls } as Record<string, unknown>
  for (const [name, [at, names]] of Object.entries(optionsOfCalls)) {
    const call = checked[name] as ((...given: unknown[]) => Promise<unknown>) | undefined
    if (call === undefined) continue
    checked[name] = async (...given: unknown[]) => {
      if (given[at] !== undefined) given[at] = readGiven(name, given[at], names)
      underWay.enter()
      try {
        return await call(...given)
      } finally {
        underWay.leave()
      }
    }
  }
  return checked as Calls
}

interface Given {
  actor?: unknown
  version?: unknown
}

function readGiven(call: string, given: unknown, names: Readonly<Record<string, true>> | 'none'): unknown {
  // `ids.map(keys.get)` passes a position.
  if (names === 'none' && typeof given !== 'object') return given
  const options: Given = readCallOptions(call, given as object, names === 'none' ? {} : names)
  const { actor, version } = options
  // Otherwise it would be told to be of somebody else's change.
  if (version !== undefined && !Number.isSafeInteger(version))
    throw invalidField('version', `must be a whole number; received ${describeValue(version)}`)
  return actor === undefined ? options : { ...options, actor: readActor(actor) }
}

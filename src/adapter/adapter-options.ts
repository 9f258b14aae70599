import { workspaceOption } from '../keys/workspace-option.ts'
import { eventTypesOf, standardEventTypes } from '../rules/event-types.ts'
import { badOption, ConfigError } from '../runtime/config-error.ts'
import { nearestName } from '../runtime/nearest-name.ts'
import { anything, callback, type OptionReader, optional, readOptions, text } from '../runtime/options.ts'
import { type Logger, loggerOf, warnAtStart } from '../verifier/logger.ts'
import { expectGuard } from '../verifier/settlement.ts'
import type { VerifyingKeys } from './request-context.ts'
import { requestPropertyReader } from './set-write-key.ts'

/** Options that every adapter has. */
export interface AdapterOptions<OnRefused> {
  /**
   * Only keys of this workspace are accepted here. Give its name, or a function that finds it from the
   * framework's request, for example by host name. If the function returns `undefined` or `''`, every key is
   * refused. If it throws, or returns anything else that is no text, the request gets 503. It must not be async.
   */
  workspace?: WorkspaceOption<RequestOf<OnRefused>>
  /**
   * The type of every event on this route. Set it where the path does not name the type. `'batch'`: each event
   * names its own. A type of the keys in another case is refused.
   */
  eventType?: string | undefined
  /**
   * Called before a refusal is written; may be async. It may answer the request itself: then nothing more is
   * written. Errors that it throws are ignored.
   */
  onRefused?: OnRefused | undefined
  /**
   * The name under which handlers find the key and the events. Default `'writeKey'`. On a request, names
   * that Node or the framework uses are refused, such as `url` or `body`.
   */
  requestProperty?: string | undefined
}

/** A workspace, or a function that finds it from the framework's request. */
export type WorkspaceOption<Request> =
  | string
  // A method, so that the function may name the framework's own type of request.
  | { tell(request: Request): string | null | undefined }['tell']

/** What the framework passes to `onRefused` after the refusal: its request, or its context. */
type RequestOf<OnRefused> = OnRefused extends (
  refused: never,
  request: infer Request,
  ...rest: never[]
) => unknown
  ? Request
  : never

/** What an adapter uses of its options. */
export interface ResolvedAdapterOptions<OnRefused> {
  /** The workspace for a neutral request; undefined when any will do. @param request the framework's */
  workspaceOf(request: unknown): string | (() => unknown) | undefined
  eventType: string | undefined
  onRefused: OnRefused | undefined
  requestProperty: string
}

/** What is particular to the options of one adapter. */
export interface AdapterOptionRules {
  /** Options that only this adapter has, and checks itself. */
  ownNames?: readonly string[]
  /** Whose options they are, for messages. Default `'writeKeyAuth'`. */
  owner?: string
  /** Names that `requestProperty` may not be, as the alternatives of a RegExp. */
  takenNames?: string
}

/**
 * Checks the options of an adapter, and fills in defaults.
 * @throws ConfigError for keys that `createWriteKeys` did not return, an unknown option or a bad value.
 */
export function resolveAdapterOptions<OnRefused>(
  keys: VerifyingKeys,
  options: AdapterOptions<OnRefused>,
  { ownNames = [], owner = 'writeKeyAuth', takenNames }: AdapterOptionRules = {},
): ResolvedAdapterOptions<OnRefused> {
  if (typeof keys?.verify !== 'function' || typeof keys.preflight !== 'function') {
    throw badOption('keys', keys, 'what createWriteKeys() returned')
  }
  const own = Object.fromEntries(ownNames.map((name) => [name, anything()]))
  const { eventType, workspace, onRefused, requestProperty } = readOptions(owner, options, {
    ...own,
    ...readers,
    eventType: optional(eventTypeOption(eventTypesOf(keys), loggerOf(keys))),
    requestProperty: requestPropertyReader(takenNames),
  })
  expectGuard(keys)
  return {
    eventType,
    onRefused: onRefused as OnRefused | undefined,
    requestProperty,
    workspaceOf: (request) => (typeof workspace === 'function' ? () => workspace(request) : workspace),
  }
}

const readers = {
  workspace: workspaceOrFunction,
  onRefused: callback(),
}

/**
 * A type that the keys do not know is taken, unless it is one of theirs in another spelling: no event that names its type would pass.
 */
function eventTypeOption(known: readonly string[], logger: Logger | undefined): OptionReader<string> {
  const read = text(possibleType, "an event type such as 'track': 1 to 64 characters that can be seen")
  return (value, option) => {
    const type = read(value, option)
    if (type === 'batch' || known.includes(type)) return type
    const names = ['batch', ...known]
    const meant = names.find((name) => isSpelling(type, name))
    if (meant !== undefined)
      throw new ConfigError(
        option,
        `${option} must be ${names.join(', ')} or a type of your own; did you mean '${meant}'?`,
      )
    const alike = nearestName(type, names)
    if (alike !== undefined)
      warnAtStart(
        logger,
        `a guard has the eventType ${type}. Is it ${alike}? A type of your own belongs to the option eventTypes.`,
      )
    return type
  }
}

/** In another case, in the plural, or as paths shorten it. Other words may be types that the keys do not name: `match`, `trace`. */
function isSpelling(type: string, known: string): boolean {
  const [spelled, name] = [type.toLowerCase(), known.toLowerCase()]
  const isShort = spelled === name.charAt(0) && ['batch', ...standardEventTypes].includes(known)
  const plurals = [`${name}s`, `${name}es`, name.replace(/y$/, 'ies')]
  return spelled === name || plurals.includes(spelled) || isShort
}

/** Letters, signs and inner blanks, no control characters. */
const possibleType = /^(?!\s)[^\p{C}\u2028\u2029]{1,64}(?<!\s)$/u

/** Calls an application's `onRefused`. Whatever goes wrong in it, the refusal is still written. */
export async function tellRefused(call: () => unknown): Promise<void> {
  try {
    await call()
  } catch {
    // The hook belongs to the application; its faults are not the sender's.
  }
}

function workspaceOrFunction(
  value: unknown,
  option: string,
  isGiven?: boolean,
): string | ((request: unknown) => unknown) | undefined {
  return typeof value === 'function'
    ? (value as (request: unknown) => unknown)
    : workspaceOption(value, option, isGiven)
}

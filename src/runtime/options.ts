import { badOption, ConfigError, describeValue, unknownOption } from './config-error.ts'
import { givenFields } from './given-fields.ts'
import { nearestName } from './nearest-name.ts'

/**
 * Checks one option and returns what the code uses.
 * @param value `undefined` when the option was left out
 * @param option its name for messages, e.g. `cache.leaseMs`
 * @param isGiven whether the option is present, if only as `undefined`; for options that must not get lost by
 * mistake
 * @throws ConfigError
 */
export type OptionReader<T> = (value: unknown, option: string, isGiven?: boolean) => T

export type OptionReaders = Readonly<Record<string, OptionReader<unknown>>>

/** The values that a set of readers returns. */
export type OptionsRead<Readers extends OptionReaders> = {
  -readonly [Name in keyof Readers]: ReturnType<Readers[Name]>
}

/**
 * Reads the options of a `createX`: refuses unknown names, with the nearest known one, and hands each value
 * to its reader. An option that is `undefined` was left out.
 *
 * @param owner whose options they are, e.g. `createRedisLimiter`
 * @throws ConfigError
 * @example
 * ```ts
 * const { timeoutMs, mode } = readOptions('createRedisLimiter', given, {
 *   timeoutMs: number(1, 10_000, 50),
 *   mode: oneOf(['leased', 'strict'], 'leased'),
 * })
 * ```
 */
export function readOptions<Readers extends OptionReaders>(
  owner: string,
  given: unknown,
  readers: Readers,
): OptionsRead<Readers> {
  return readNamed(owner, '', given, readers)
}

function readNamed<Readers extends OptionReaders>(
  owner: string,
  prefix: string,
  given: unknown,
  readers: Readers,
): OptionsRead<Readers> {
  const known = Object.keys(readers)
  const options = givenFields(given, known)
  if (options === undefined) {
    if (prefix !== '') throw badOption(owner, given, 'an object')
    throw new ConfigError('options', `${owner} takes an object of options; received ${describeValue(given)}.`)
  }
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(readers, name)) throw unknownOption(owner, name, known)
  }
  const read: Record<string, unknown> = {}
  for (const [name, reader] of Object.entries(readers)) {
    read[name] = reader(options[name], `${prefix}${name}`, name in options)
  }
  return read as OptionsRead<Readers>
}

/** Options within an option, e.g. `cache: { leaseMs }`. When it is left out, each of them has its default. */
export function group<Readers extends OptionReaders>(readers: Readers): OptionReader<OptionsRead<Readers>> {
  // `null`, as from a missing setting, is refused like any other bad value. Only an absent group has its
  // defaults.
  return (value, option) => readNamed(option, `${option}.`, value === undefined ? {} : value, readers)
}

/** A number from `least` to `most`. Without a default it is required. */
export function number(least: number, most: number, fallback?: number): OptionReader<number> {
  return numeric((value) => Number.isFinite(value), 'a number', least, most, fallback)
}

/** A whole number from `least` to `most`. Without a default it is required. */
export function whole(least: number, most: number, fallback?: number): OptionReader<number> {
  return numeric(Number.isSafeInteger, 'a whole number', least, most, fallback)
}

function numeric(
  isKind: (value: number) => boolean,
  kind: string,
  least: number,
  most: number,
  fallback: number | undefined,
): OptionReader<number> {
  return (given, option) => {
    const value = given === undefined ? fallback : given
    if (typeof value === 'number' && isKind(value) && value >= least && value <= most) return value
    const range =
      most === Number.POSITIVE_INFINITY ? `of at least ${least}` : `from ${spaced(least)} to ${spaced(most)}`
    throw badOption(option, given, `${kind} ${range}`)
  }
}

/** One of a few words. The message repeats an unknown word only as the known one it is close to. */
export function oneOf<const Word extends string, Fallback extends Word = Word>(
  words: readonly Word[],
  fallback?: Fallback,
): OptionReader<Word> {
  return (given, option) => {
    const value = given === undefined ? fallback : given
    if (words.includes(value as Word)) return value as Word
    const meant = typeof value === 'string' ? nearestName(value, words) : undefined
    const error = badOption(option, given, listOf(words))
    throw meant === undefined ? error : new ConfigError(option, `${error.message} Did you mean '${meant}'?`)
  }
}

/** `true` or `false`. */
export function flag(fallback: boolean): OptionReader<boolean> {
  return (given, option) => {
    const value = given === undefined ? fallback : given
    if (typeof value === 'boolean') return value
    throw badOption(option, given, 'true or false')
  }
}

/**
 * A text of a given form.
 * @param expected the form in words, completing "must be …"
 */
export function text(pattern: RegExp, expected: string, fallback?: string): OptionReader<string> {
  return (given, option) => {
    const value = given === undefined ? fallback : given
    if (typeof value === 'string' && pattern.test(value)) return value
    throw badOption(option, given, expected)
  }
}

/** A function, or nothing. */
export function callback<F extends (...parameters: never[]) => unknown>(): OptionReader<F | undefined> {
  return (value, option) => {
    if (value === undefined || typeof value === 'function') return value as F | undefined
    throw badOption(option, value, 'a function')
  }
}

/**
 * An object with these methods, or nothing.
 * @param expected what has them, completing "must be …", e.g. `a store such as createSqlStore() makes`
 */
export function having<T extends object>(
  methods: readonly (keyof T & string)[],
  expected: string,
): OptionReader<T | undefined> {
  return (value, option) => {
    if (value === undefined) return undefined
    const missing = methods.filter((name) => typeof (value as Partial<T> | null)?.[name] !== 'function')
    if (missing.length === 0) return value as T
    if (typeof value !== 'object' || value === null) throw badOption(option, value, expected)
    throw new ConfigError(option, `${option} must be ${expected}; this one has no ${missing.join(', no ')}.`)
  }
}

/** What another reader accepts, or `null`. */
export function nullable<T, Fallback extends T = T>(
  reader: OptionReader<T>,
  fallback: Fallback | null = null,
): OptionReader<T | null> {
  return (value, option) => {
    const given = value === undefined ? fallback : value
    return given === null ? null : reader(given, option)
  }
}

/** What another reader accepts, or nothing: there is no default. */
export function optional<T>(reader: OptionReader<T>): OptionReader<T | undefined> {
  return (value, option) => (value === undefined ? undefined : reader(value, option))
}

/**
 * What another reader accepts, which must be there.
 * @param expected completes "must be …"
 */
export function required<T>(reader: OptionReader<T | undefined>, expected: string): OptionReader<T> {
  return (value, option) => {
    const read = reader(value, option)
    if (read === undefined) throw badOption(option, value, expected)
    return read
  }
}

/** A list of what another reader accepts. */
export function list<T>(reader: OptionReader<T>, expected: string): OptionReader<readonly T[]> {
  return (value, option) => {
    if (value === undefined) return []
    if (!Array.isArray(value)) throw badOption(option, value, expected)
    // Array.from visits holes, which map would skip.
    return Array.from(value, (item, index) => reader(item, `${option}[${index}]`))
  }
}

/** Not checked here, but where it is used. */
export function anything<T>(): OptionReader<T | undefined> {
  return (value) => value as T | undefined
}

function spaced(value: number): string {
  return String(value).replace(/^\d+/, (digits) => digits.replaceAll(/\B(?=(\d{3})+$)/g, ' '))
}

function listOf(words: readonly string[]): string {
  const quoted = words.map((word) => `'${word}'`)
  return quoted.length < 2 ? quoted.join('') : `${quoted.slice(0, -1).join(', ')} or ${quoted.at(-1)}`
}

import { isPromised } from './awaitable.ts'
import { brand, isBranded } from './brand.ts'
import { nearestName } from './nearest-name.ts'

const configErrorMark = Symbol.for('writekey.ConfigError')

/**
 * A bad option, thrown at construction, before any traffic. The message names the option, what was received
 * and what would be right. It never repeats a value that may hold a secret.
 */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly code = 'invalid_config'

  constructor(
    /** The option at fault, as written by the caller, e.g. `cache.leaseMs`. */
    readonly option: string,
    message: string,
  ) {
    super(message)
    brand(this, configErrorMark)
  }

  /** Also true of what another copy of this package has made. */
  static override [Symbol.hasInstance](value: unknown): value is ConfigError {
    // biome-ignore lint/complexity/noThisInStatic: a class that extends this one inherits the method
    return isBranded(this, ConfigError, configErrorMark, value)
  }
}

/**
 * @param option as written by the caller, e.g. `cache.leaseMs`
 * @param received the value; the message repeats numbers, booleans and kinds of values, never texts
 * @param expected what would be right, completing "must be …"
 */
export function badOption(option: string, received: unknown, expected: string): ConfigError {
  return new ConfigError(option, `${option} must be ${expected}; received ${describeValue(received)}.`)
}

/** @param owner whose options they are, e.g. `createRedisLimiter` or `cache` */
export function unknownOption(owner: string, name: string, known: readonly string[]): ConfigError {
  const meant = nearestName(name, known)
  const hint = meant === undefined ? `It takes ${known.join(', ') || 'none'}.` : `Did you mean "${meant}"?`
  // What cannot be an option's name may be anything, such as a secret in the wrong place.
  const isName = /^[A-Za-z_$][\w$]{0,39}$/.test(name)
  const message = `${owner} has no option ${isName ? `"${name}"` : 'of that name'}. ${hint}`
  return new ConfigError(isName ? name : 'options', message)
}

/** The kind of a value. A text may be a secret or hold a password, so only its length is shown. */
export function describeValue(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (typeof value === 'string')
    return value === '' ? 'an empty string' : `a string of ${value.length} characters`
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'symbol') return 'a symbol'
  if (typeof value === 'bigint') return `${value}n`
  if (Array.isArray(value)) return `a list of ${value.length}`
  if (typeof value === 'object' && value !== null) return describeObject(value)
  return String(value)
}

function describeObject(value: object): string {
  if (isPromised(value)) return 'a promise: await it first'
  const name = Object.getPrototypeOf(value)?.constructor?.name
  if (typeof name !== 'string' || name === 'Object' || name === '') return 'an object'
  return `an object of class ${name.slice(0, 40)}`
}

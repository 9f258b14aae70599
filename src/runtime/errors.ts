import { describeValue } from './config-error.ts'

/** What was received, in words of ours: a text from outside is told by its length, as it may be a secret. */
export class InWords {
  constructor(readonly words: string) {}
}

/** @param owner whose options they are. What cannot be a name may be a secret that stands in the wrong place, and is not shown. */
export function unknownOption(owner: string, name: string, known: readonly string[]): ConfigError {
  const shown = /^[A-Za-z_$][\w$]{0,39}$/.test(name) ? `"${name}"` : 'a name'
  return new ConfigError(`${owner}: ${shown}`, new InWords('an unknown option'), `one of ${known.join(', ')}`)
}

/**
 * A bad option, thrown while something is being constructed, before any traffic. The message names the option, what was
 * received and what would be right.
 */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly code = 'invalid_config'

  constructor(
    /** The option at fault, as written by the caller, e.g. `cache.leaseMs`. */
    readonly option: string,
    received: unknown,
    /** What would be right, completing "must be …". */
    expected: string,
  ) {
    const words = received instanceof InWords ? received.words : describeValue(received)
    super(`${option} must be ${expected}; received ${words}.`)
  }
}

export type KeyErrorCode = 'invalid_field' | 'not_found' | 'conflict'

/**
 * Why a change was refused with `conflict`. For a chosen id: `duplicate` when the same call has made the key,
 * `other_input` when a call with other fields has, `id_spent` when the key it made has been removed.
 */
export type ConflictReason =
  | 'version'
  | 'revoked'
  | 'expired'
  | 'too_many_secrets'
  | 'duplicate'
  | 'other_input'
  | 'id_spent'

/**
 * A management call that cannot be carried out; nothing was changed. Recognise it by `code`:
 * `invalid_field` (with `field`), `not_found`, or `conflict` (with `reason`).
 */
export class KeyError extends Error {
  override readonly name = 'KeyError'
  /** The field at fault, in the spelling of the TypeScript API, e.g. `allowedOrigins`. Only with `invalid_field`. */
  readonly field?: string
  /** Only with `conflict`. */
  readonly reason?: ConflictReason

  constructor(
    readonly code: KeyErrorCode,
    message: string,
    details: { field?: string; reason?: ConflictReason } = {},
  ) {
    super(message)
    if (details.field !== undefined) this.field = details.field
    if (details.reason !== undefined) this.reason = details.reason
  }
}

/** `invalid_field`: the message reads "<field> <problem>". The value is not quoted: it may be a secret put in the wrong place. */
export function invalidField(field: string, problem: string): KeyError {
  return new KeyError('invalid_field', `${field} ${problem}`, { field })
}

/**
 * Broken infrastructure: the store or limiter did not answer, or not in time. The verifier turns it into
 * `store_unavailable` (503); management calls reject with it.
 */
export class StoreError extends Error {
  override readonly name = 'StoreError'

  constructor(
    readonly code:
      | 'store_unavailable'
      | 'store_timeout'
      | 'store_overloaded'
      | 'store_not_primary'
      | 'schema_missing'
      | 'schema_outdated'
      | 'schema_too_new'
      | 'missing_driver',
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options)
  }
}

/** What a store threw, as a StoreError; its own error is the `cause`. */
export function toStoreError(error: unknown): StoreError {
  if (error instanceof StoreError) return error
  return new StoreError('store_unavailable', 'The store failed.', { cause: error })
}

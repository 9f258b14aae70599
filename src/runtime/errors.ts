import { brand, isBranded } from './brand.ts'

export type KeyErrorCode = 'invalid_field' | 'not_found' | 'conflict'

/**
 * Why a change was refused with `conflict`. For a chosen id: `duplicate` when the same call has made the key,
 * `other_input` when a call with other fields has, `id_spent` when the key it made has been removed.
 * `workspace_full`: it holds as many keys as it may. `no_trial`: the key has no rules on trial.
 * `paused_by_operator`: somebody who is not of the key's workspace paused it.
 * `schema_mixed`: processes of an older version may run on the same store, and would not keep the change.
 */
export type ConflictReason =
  | 'version'
  | 'revoked'
  | 'expired'
  | 'too_many_secrets'
  | 'duplicate'
  | 'other_input'
  | 'id_spent'
  | 'workspace_full'
  | 'no_trial'
  | 'paused_by_operator'
  | 'schema_mixed'

const keyErrorMark = Symbol.for('writekey.KeyError')

/**
 * A management call that cannot be carried out; nothing was changed. Recognise it by `code`: `invalid_field`
 * (with `field`), `not_found`, or `conflict` (with `reason`).
 */
export class KeyError extends Error {
  override readonly name = 'KeyError'
  /**
   * The field at fault, in the spelling of the TypeScript API, e.g. `allowedOrigins`. Only with
   * `invalid_field`.
   */
  readonly field?: string
  /** Only with `conflict`. */
  readonly reason?: ConflictReason

  constructor(
    readonly code: KeyErrorCode,
    message: string,
    details: { field?: string; reason?: ConflictReason | undefined } = {},
  ) {
    super(message)
    brand(this, keyErrorMark)
    if (details.field !== undefined) this.field = details.field
    if (details.reason !== undefined) this.reason = details.reason
  }

  /** Also true of what another copy of this package has made. */
  static override [Symbol.hasInstance](value: unknown): value is KeyError {
    // biome-ignore lint/complexity/noThisInStatic: a class that extends this one inherits the method
    return isBranded(this, KeyError, keyErrorMark, value)
  }
}

/**
 * An `invalid_field` whose message reads "<field> <problem>". The value is not quoted: it may be a secret in
 * the wrong place.
 */
export function invalidField(field: string, problem: string): KeyError {
  return new KeyError('invalid_field', `${field} ${problem}`, { field })
}

const storeErrorMark = Symbol.for('writekey.StoreError')

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
      | 'store_in_transaction'
      | 'schema_missing'
      | 'schema_outdated'
      | 'schema_too_new'
      | 'schema_mixed'
      | 'missing_driver'
      | 'pepper_missing',
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options)
    brand(this, storeErrorMark)
  }

  /** Also true of what another copy of this package has made. */
  static override [Symbol.hasInstance](value: unknown): value is StoreError {
    // biome-ignore lint/complexity/noThisInStatic: a class that extends this one inherits the method
    return isBranded(this, StoreError, storeErrorMark, value)
  }
}

/** What calls are answered with after `close`. */
export function closedError(): StoreError {
  return new StoreError('store_unavailable', 'These write keys have been closed.')
}

/** What a store threw, as a StoreError; the original error is the `cause`. */
export function toStoreError(error: unknown): StoreError {
  if (error instanceof StoreError) return error
  return new StoreError('store_unavailable', 'The store failed.', { cause: error })
}

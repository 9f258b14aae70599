import { ConfigError, StoreError } from '../index.ts'
import { CliError, exitCodes, usageError } from './cli-error.ts'

/** The drivers' codes for common mistakes in naming a store, and what to do about each. */
const knownFailures: readonly (readonly [code: RegExp, told: string])[] = [
  [
    /^ECONNREFUSED$/,
    'does not answer: nothing listens there. Is the database running, and are host and port of --store right?',
  ],
  [/^(ENOTFOUND|EAI_AGAIN)$/, 'does not answer: the host of --store is not known. Is it spelt right?'],
  [
    /^(ETIMEDOUT|EHOSTUNREACH|ENETUNREACH)$/,
    'does not answer in time. Are host and port of --store right, and does such a database listen there? PostgreSQL is postgres://…, MariaDB and MySQL are mysql://….',
  ],
  [/^(28000|28P01|ER_ACCESS_DENIED\w*)$/, 'does not let this user in. Check user and password of --store.'],
  [
    /^(3D000|ER_BAD_DB_ERROR|ER_DBACCESS_DENIED_ERROR)$/,
    'has no such database for this user. Check the name in --store.',
  ],
  [
    /^(42501|ER_\w*DENIED_ERROR)$/,
    'does not give this user the right to do that. Grant it, or name another user in --store.',
  ],
]

/** Explains a failure of the store: which store it is, and what to do. */
export function tellStoreFailure(error: unknown, place: string): unknown {
  if (!(error instanceof StoreError)) return error
  if (error.code === 'schema_missing' || error.code === 'schema_outdated') {
    return new CliError(
      exitCodes.unavailable,
      `${place}: ${error.message}\nFrom a shell: writekey migrate, with the same --store, --schema and --table-prefix.`,
    )
  }
  if (error.code === 'pepper_missing') {
    return new CliError(
      exitCodes.unavailable,
      `${place}: ${error.message}\nFrom a shell: set WRITEKEY_PEPPER to what your application has as the option pepper, newest first, e.g. WRITEKEY_PEPPER=new,old,null.`,
    )
  }
  // Messages of the store end with the driver's code in brackets.
  const code =
    /\[(\w+)\]$/.exec(error.message)?.[1] ??
    (/did not take a connection in time/.test(error.message) ? 'ETIMEDOUT' : '')
  const told = knownFailures.find(([pattern]) => pattern.test(code))?.[1]
  return new CliError(
    exitCodes.unavailable,
    told === undefined ? `${place}: ${error.message}` : `${place} ${told}`,
  )
}

/** The option `url` is `--store` here. */
export function tellBadUrl(error: unknown): unknown {
  if (!(error instanceof ConfigError) || error.option !== 'url') return error
  return usageError(error.message.replace(/^url/, '--store'))
}

import { type Measured, measuredOf } from '../measured.ts'
import { badOption } from '../runtime/config-error.ts'

/** Counts decisions from now on. @throws ConfigError when these are no write keys. */
export function measure(keys: object): Measured {
  const measured = typeof keys === 'object' && keys !== null ? measuredOf(keys) : undefined
  if (measured === undefined) throw badOption('keys', keys, 'what createWriteKeys() returned')
  measured.meter()
  return measured
}

import { badOption } from '../runtime/config-error.ts'
import type { OptionReader } from '../runtime/options.ts'

/** Where the package writes what an operator should know: pino's shape, so that a pino logger fits as it is. Either may be left out. */
export interface Logger {
  error?(details: object, message: string): void
  warn?(details: object, message: string): void
}

/** The option `logger`. */
export const loggerOption: OptionReader<Logger | undefined> = (value, option) => {
  if (value === undefined) return undefined
  const logger = value as Logger | null
  if ([logger?.error, logger?.warn].some((method) => typeof method === 'function')) return value as Logger
  throw badOption(option, value, 'an object with the methods error, warn or both')
}

import { isPromised } from './awaitable.ts'
import { ConfigError, describeValue } from './config-error.ts'

/**
 * What a function among the options has returned, where that is wrong. Nobody waits for a promise: its rejection would end the process, and is
 * swallowed.
 *
 * @param expected what would be right, completing "must return …"
 */
export function badAnswer(option: string, returned: unknown, expected: string): ConfigError {
  if (!isPromised(returned))
    return new ConfigError(
      option,
      `${option} must return ${expected}; it returned ${describeValue(returned)}.`,
    )
  Promise.resolve(returned).catch(() => {})
  return new ConfigError(
    option,
    `${option} must not be async: it must return ${expected}, and it returned a promise.`,
  )
}

/** A text, or nothing. @throws ConfigError for anything else */
export function textAnswer(option: string, returned: unknown): string | undefined {
  if (returned === undefined || returned === null) return undefined
  if (typeof returned === 'string') return returned
  throw badAnswer(option, returned, 'a string or undefined')
}

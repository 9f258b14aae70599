import { badOption } from '../runtime/config-error.ts'
import type { OptionReader } from '../runtime/options.ts'
import { isPlainPath } from './plain-path.ts'

/**
 * A path that others are below, as every reader of it agrees on it; `''` is none.
 * @param example for messages, e.g. `/internal`
 */
export function pathPrefix(example: string, fallback = ''): OptionReader<string> {
  return (given, option) => {
    const value = given === undefined ? fallback : given
    if (value === '') return value
    if (typeof value === 'string' && isPlainPath(value) && !value.endsWith('/')) return value
    throw badOption(
      option,
      given,
      `'' or a path such as '${example}', without a slash at its end and without . or .. as a segment`,
    )
  }
}

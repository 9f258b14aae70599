import { badOption } from '../runtime/config-error.ts'
import type { OptionReader } from '../runtime/options.ts'
import { isPlainPath } from './plain-path.ts'

/**
 * A path that others are below, as every reader of it agrees on it; `''` is none.
 * @param example for messages, e.g. `/internal`
 */
export function pathPrefix(example: string, fallback = ''): OptionReader<string> {
  return prefix(example, fallback, isPlainPath, 'of letters, digits and ._~-')
}

/** The same for routes that are found by the URL as it was sent: every path that can stand there. */
export function routePrefix(example: string): OptionReader<string> {
  return prefix(example, '', isSent, 'as it stands in a URL')
}

function prefix(
  example: string,
  fallback: string,
  isRight: (path: string) => boolean,
  kind: string,
): OptionReader<string> {
  return (given, option) => {
    const value = given === undefined ? fallback : given
    if (value === '') return value
    if (typeof value === 'string' && isRight(value) && !value.endsWith('/')) return value
    throw badOption(
      option,
      given,
      `'' or a path such as '${example}', ${kind}, without a slash at its end and without . or .. as a segment`,
    )
  }
}

/** Segments that no parser of URLs changes, and no router takes for a parameter or a wildcard. */
function isSent(path: string): boolean {
  return /^(?:\/(?!:)(?:[\w.~!$&'()+,=:@-]|%[\dA-Fa-f]{2})+)+\/?$/.test(path) && pathnameOf(path) === path
}

function pathnameOf(path: string): string {
  return new URL(`http://localhost${path}`).pathname
}

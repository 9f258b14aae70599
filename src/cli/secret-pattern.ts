import { keyPrefixFor } from '../keys/key-prefix.ts'
import { secretPattern } from '../keys/secret.ts'
import { keysOptionsFrom } from './keys-options.ts'
import { printLine, type Terminal } from './terminal.ts'

/**
 * Prints the regular expression of the secrets made here, one for each prefix, for tools that look for leaked
 * ones.
 */
export function printPatterns(values: Readonly<Record<string, unknown>>, terminal: Terminal): void {
  const { keyPrefix, environment = 'production' } = keysOptionsFrom(terminal)
  const prefixes = [environment, 'production', 'test'].map((name) =>
    keyPrefixFor(keyPrefix, environment, name),
  )
  const patterns = [...new Set(prefixes)].map((prefix) => ({ prefix, pattern: secretPattern(prefix) }))
  const lines = values.json === true ? [JSON.stringify(patterns)] : patterns.map(({ pattern }) => pattern)
  for (const line of lines) printLine(terminal, line)
}

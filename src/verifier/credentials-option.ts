import { badOption } from '../runtime/config-error.ts'
import type { OptionReader } from '../runtime/options.ts'
import type { CredentialSource } from './credentials.ts'

const places: readonly unknown[] = ['basic', 'header', 'query', 'body']
const expected = "'basic', 'header', 'query', 'body' or a function"

/** The option `credentials`: one place, or a list of them. */
export const credentialsOption: OptionReader<readonly CredentialSource[]> = (value = ['basic'], option) => {
  if (isSource(value)) return [value]
  if (!Array.isArray(value) || value.length === 0) {
    throw badOption(option, value, `${expected}, or a list with at least one of them`)
  }
  return Array.from(value, (source: unknown, index) => {
    if (isSource(source)) return source
    throw badOption(`${option}[${index}]`, source, expected)
  })
}

/** Whether a place is in the path, where a secret has to do without the characters that delimit. */
export function presentsInPath(source: unknown): boolean {
  return typeof source === 'object' && source !== null && 'path' in source
}

function isSource(value: unknown): value is CredentialSource {
  return typeof value === 'function' || places.includes(value)
}

import { keyFields, listFields } from '../keys/fields.ts'
import type { CreateKeyInput } from '../keys/key-fields.ts'
import { toSnakeCase } from '../runtime/letter-case.ts'
import type { KeyJson } from './command-run.ts'

/**
 * The rules of a key that a request itself can break. Addresses are not among them: no text shows from where it
 * is sent.
 * @param hasEvents whether the text shows what is sent
 */
export function rehearsedRules(key: KeyJson, hasEvents: boolean): Partial<CreateKeyInput> {
  const names = listFields.filter((name) => {
    const { entries } = keyFields[name]
    return entries === 'origin' || (hasEvents && entries !== 'ip')
  })
  const pick = (fields: Readonly<Record<string, unknown>>) =>
    Object.fromEntries(names.map((name) => [name, fields[toSnakeCase(name)] ?? undefined]))
  // Servers of older versions know of no trial.
  const { trial = null } = key
  return { ...pick(key), ...(trial !== null && { trial: pick(trial) }) }
}

import { describeValue } from './config-error.ts'
import { invalidField } from './errors.ts'
import { nearestName } from './nearest-name.ts'

/** The names of the options of a call, each once. */
export type OptionNames<Options> = Readonly<Record<keyof Options & string, true>>

/**
 * Refuses options that a call does not have: a misspelt one would do nothing, and a leaked secret would go on.
 * @param call as its caller knows it, e.g. `rotate`
 * @throws KeyError `invalid_field`
 */
export function assertOptions(call: string, given: unknown, names: Readonly<Record<string, true>>): void {
  if (given === undefined) return
  assertObject(call, given)
  for (const name of Object.keys(given as object)) {
    if (!Object.hasOwn(names, name)) throw unknownOption(call, name, Object.keys(names))
  }
}

/** @throws KeyError `invalid_field` for what has no options, such as `null`, a number or a list. */
export function assertObject(call: string, given: unknown): void {
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) return
  throw invalidField('options', `of ${call} must be an object; received ${describeValue(given)}`)
}

function unknownOption(call: string, name: string, known: readonly string[]) {
  const meant = nearestName(name, known)
  const hint = meant === undefined ? `it takes ${known.join(', ') || 'none'}` : `did you mean ${meant}?`
  // What cannot be an option's name may be anything, such as a secret in the wrong place.
  return /^[A-Za-z_$][\w$]{0,39}$/.test(name)
    ? invalidField(name, `is not an option of ${call}; ${hint}`)
    : invalidField('options', `of ${call} have one that is none; ${hint}`)
}

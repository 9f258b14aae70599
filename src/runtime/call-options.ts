import { describeValue } from './config-error.ts'
import { invalidField } from './errors.ts'
import { givenFields } from './given-fields.ts'
import { nearestName } from './nearest-name.ts'

/** The names of the options of a call, each once. */
export type OptionNames<Options> = Readonly<Record<keyof Options & string, true>>

/**
 * The options of a call as a plain object. Refuses those that the call does not have: a misspelt one would do nothing, and a leaked secret
 * would go on. Refuses as well what is no object of options, such as a promise of them.
 * @param call as its caller knows it, e.g. `rotate`
 * @throws KeyError `invalid_field`
 */
export function readCallOptions<Options extends object>(
  call: string,
  given: Options,
  names: OptionNames<Options>,
): Options {
  const known = Object.keys(names)
  const options = givenFields(given, known)
  if (options === undefined)
    throw invalidField('options', `of ${call} must be an object; received ${describeValue(given)}`)
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(names, name)) throw unknownOption(call, name, known)
  }
  return options as Options
}

export function unknownOption(call: string, name: string, known: readonly string[]) {
  const meant = nearestName(name, known)
  const hint = meant === undefined ? `it takes ${known.join(', ') || 'none'}` : `did you mean ${meant}?`
  // What cannot be an option's name may be anything, such as a secret in the wrong place.
  return /^[A-Za-z_$][\w$]{0,39}$/.test(name)
    ? invalidField(name, `is not an option of ${call}; ${hint}`)
    : invalidField('options', `of ${call} have one that is none; ${hint}`)
}

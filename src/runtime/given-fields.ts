import { isPromised } from './awaitable.ts'

/**
 * What an object of options or fields holds, as a plain object: see `givenNames`. `undefined` for what is no such object.
 */
export function givenFields(given: unknown, known: readonly string[]): Record<string, unknown> | undefined {
  const names = givenNames(given, known)
  return names && Object.fromEntries(names.map((name) => [name, Reflect.get(given as object, name)]))
}

/**
 * The names in an object of options or fields: its own, and those that its class has getters for. Without the methods of a class, and
 * without what is hidden (not enumerable), as configuration libraries add it, unless its name is known.
 *
 * `undefined` for what is no such object: a promise, a list, a `Map`, a `Date`, `URLSearchParams` and other values that keep what they hold
 * elsewhere. It would pass for an empty one.
 */
export function givenNames(given: unknown, known: readonly string[]): string[] | undefined {
  if (!isOfFields(given)) return undefined
  const names = new Set<string>()
  for (const owner of ownersOf(given)) {
    for (const [name, property] of Object.entries(Object.getOwnPropertyDescriptors(owner))) {
      const isMethod = owner !== given && typeof property.value === 'function'
      const isShown = property.enumerable === true || property.get !== undefined
      if (known.includes(name) || (isShown && !isMethod)) names.add(name)
    }
  }
  return [...names]
}

function isOfFields(given: unknown): given is object {
  if (typeof given !== 'object' || given === null || isPromised(given)) return false
  // `Object.prototype.toString` knows built-in values, also those of another realm. A module has no prototype.
  return Object.prototype.toString.call(given) === '[object Object]' || Object.getPrototypeOf(given) === null
}

/** An object and its prototypes, without `Object.prototype`. */
function ownersOf(given: object): object[] {
  const owners = [given]
  for (let owner = Object.getPrototypeOf(given); owner !== null; owner = Object.getPrototypeOf(owner)) {
    // Of another realm, it is another object.
    if (Object.getPrototypeOf(owner) === null && Object.hasOwn(owner, 'constructor')) break
    owners.push(owner)
  }
  return owners
}

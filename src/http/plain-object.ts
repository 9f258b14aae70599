/**
 * Whether a value is a plain object as `JSON.parse` makes them. Not an instance of a class, and not without a
 * prototype: `querystring.parse` and other form parsers make such objects, JSON parsers do not.
 */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || isForeignPrototype(prototype)
}

/** `Object.prototype` of another realm, for what is parsed outside of a test runner's sandbox. */
function isForeignPrototype(prototype: unknown): boolean {
  return (
    typeof prototype === 'object' &&
    prototype !== null &&
    Object.getPrototypeOf(prototype) === null &&
    Object.hasOwn(prototype, 'constructor') &&
    (prototype.constructor as unknown as { name?: unknown } | null)?.name === 'Object'
  )
}

/** The kind of a value, for the caller who handed it in. Shows nothing of its content. */
export function describeKind(value: unknown): string {
  if (typeof value !== 'object' || value === null) return `a ${typeof value}`
  const prototype = Object.getPrototypeOf(value) as { constructor?: { name?: unknown } } | null
  const name = prototype?.constructor?.name
  if (typeof name !== 'string' || name === '')
    return 'an object without a prototype, as form parsers make them'
  if (name === 'Object' && Symbol.iterator in value)
    return 'an object that can be iterated, such as arguments'
  return name === 'Object'
    ? 'an object with another object as its prototype'
    : `an instance of ${name.slice(0, 80)}`
}

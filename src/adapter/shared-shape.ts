const passing = Symbol('added and deleted again')

/**
 * Lets V8 keep a request or response of Express's as a table of its properties. Express gives each of them another prototype; from then on
 * V8 up to Node 22 makes a hidden class for that object alone, and one more with each property that is added, so that no code
 * which reads it ever becomes fast. An object of which a property was deleted is a table instead, and all tables of a kind share one hidden
 * class. Later releases share them anyway, and only undo the addition.
 *
 * With it, a request that `writeKeyAuth` guards in Express takes 90 µs of processor time instead of 140 (`npm run bench -- http`).
 */
export function shareShape(object: object): void {
  if (!Object.isExtensible(object)) return
  const holder = object as { [passing]?: boolean }
  holder[passing] = true
  delete holder[passing]
}

/**
 * V8 before 13, of Node 20 and 22, makes a hidden class for each object alone once its prototype has been replaced, and one more with
 * each property that is added then. Later releases share them. Bun has another engine, and the version of V8 that it stands in for.
 */
const { v8, bun }: Readonly<Record<string, string | undefined>> = globalThis.process?.versions ?? {}
const isUnshared = v8 !== undefined && Number.parseInt(v8, 10) < 13 && bun === undefined

/**
 * Has V8 keep a request or response whose prototype has been replaced, or is about to be, as a table of its properties: that is what
 * becomes of an object when a property is deleted that was not the last one added, and tables of a kind share one hidden class. Without
 * it no code that reads such an object ever becomes fast, and each property that is added leaves a kilobyte to the garbage collector.
 *
 * A request that `writeKeyAuth` guards in Express takes 90 µs of processor time then instead of 140 (`npm run bench -- http`).
 *
 * @param name a property that Node puts on each such object. It is taken out and put back, so it comes last afterwards.
 */
export function shareShape(object: object, name: 'statusMessage' | 'sendDate'): void {
  if (!isUnshared || !Object.isExtensible(object)) return
  const property = Object.getOwnPropertyDescriptor(object, name)
  if (property?.configurable !== true) return
  delete (object as { [name]?: unknown })[name]
  Object.defineProperty(object, name, property)
}

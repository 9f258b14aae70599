/**
 * Part of the name of all that copies of this package share in one process. To be raised when any of it changes, or what is asked of it:
 * copies with different numbers share nothing. `test/runtime/shared-layout.test.ts` fails when a shape changes without it.
 */
export const sharedLayout = 8

const registryName: symbol = /* @__PURE__ */ Symbol.for(`writekey.shared.${sharedLayout}`)
const registry = /* @__PURE__ */ openRegistry()

/**
 * What every copy of this package in the process uses: the first one's. Next, for one, bundles a copy for the routes and another for
 * `instrumentation.ts`, while the keys may be the same object. Called as a module loads, so that requests pay nothing for it.
 */
export function sharedByCopies<T>(name: string, make: () => T): T {
  if (!registry.has(name)) registry.set(name, make())
  return registry.get(name) as T
}

/** Where nothing can be put on the global object, each copy has its own. */
function openRegistry(): Map<string, unknown> {
  const known = Reflect.get(globalThis, registryName) as Map<string, unknown> | undefined
  if (known !== undefined) return known
  const own = new Map<string, unknown>()
  Reflect.defineProperty(globalThis, registryName, { value: own, configurable: true })
  return own
}

import { sharedLayout } from '../runtime/shared-by-copies.ts'

const failure = /* @__PURE__ */ Symbol.for(`writekey.failure.${sharedLayout}`)

/** Marks what is known of a request that something of the application has failed for: it is refused as our fault. */
export function markFailed<Known extends object>(known: Known, error: unknown): Known {
  return Object.assign(known, { [failure]: { error } })
}

/** @throws what a request has failed with */
export function assertNotFailed(known: object): void {
  const failed = (known as { [failure]?: { error: unknown } })[failure]
  if (failed !== undefined) throw failed.error
}

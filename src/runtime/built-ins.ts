/**
 * Node's own modules that take milliseconds to load (`node:crypto` 2, `node:zlib` 1) and that importing the
 * package does not need. Each is loaded by the first call. `process.getBuiltinModule` (Node 20.16, 22.3) does
 * so at once and in either module format, where `require` is missing in one and `import()` has to be waited
 * for.
 */
export const nodeCrypto = onFirstCall(() => process.getBuiltinModule('node:crypto'))

/** See {@link nodeCrypto}. */
export const nodeZlib = onFirstCall(() => process.getBuiltinModule('node:zlib'))

/** See {@link nodeCrypto}. */
export const nodeStream = onFirstCall(() => process.getBuiltinModule('node:stream'))

/** See {@link nodeCrypto}. */
export const nodeOs = onFirstCall((): Partial<typeof import('node:os')> | undefined =>
  process.getBuiltinModule('node:os'),
)

/** See {@link nodeCrypto}. */
export const nodeModule = onFirstCall(() => process.getBuiltinModule('node:module'))

/** See {@link nodeCrypto}. */
export const nodeFs = onFirstCall(() => process.getBuiltinModule('node:fs'))

/** Of `node:util`, which Node has loaded by itself; an `import` of it lists its exports, for 0.6 ms. */
export const { types } = process.getBuiltinModule('node:util')

/** Of `node:url`, which Node has loaded by itself as well. */
export const { domainToUnicode } = process.getBuiltinModule('node:url')

function onFirstCall<T>(load: () => T): () => T {
  let loaded: T | undefined
  return () => {
    loaded ??= load()
    return loaded
  }
}

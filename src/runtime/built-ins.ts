/**
 * Node's own modules that take milliseconds to load (`node:crypto` 2, `node:zlib` 1) and that the import of
 * the package does not need. The first call loads each. `process.getBuiltinModule` (Node 20.16, 22.3) works
 * synchronously and in both module formats, where `require` is missing in one and `import()` is asynchronous.
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
export const nodeNet = onFirstCall(() => process.getBuiltinModule('node:net'))

/** See {@link nodeCrypto}. */
export const nodeFs = onFirstCall(() => process.getBuiltinModule('node:fs'))

/** `node:util`'s tests of types, which know objects of other realms. An `import` of it lists its exports, which takes 0.6 ms. */
export const nodeTypes = onFirstCall(() => process.getBuiltinModule('node:util').types)

/** See {@link nodeCrypto}. */
export const nodeUrl = onFirstCall(() => process.getBuiltinModule('node:url'))

function onFirstCall<T>(load: () => T): () => T {
  let loaded: T | undefined
  return () => {
    loaded ??= load()
    return loaded
  }
}

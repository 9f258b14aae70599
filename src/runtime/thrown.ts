/**
 * What an application threw, as an error that can be read. A value that is no error, or whose message throws, is replaced by one
 * that says what it was.
 */
export function toError(thrown: unknown): Error {
  try {
    if (thrown instanceof Error && typeof thrown.message === 'string') return thrown
    return new Error(String(thrown))
  } catch {
    return new Error(
      `${typeof thrown === 'function' ? 'a function' : 'an object'} without a readable text was thrown`,
    )
  }
}

/** A property of what was thrown; undefined where it has none, or reading it throws. */
export function propertyOf(thrown: unknown, name: string): unknown {
  try {
    return (thrown as Record<string, unknown> | null | undefined)?.[name]
  } catch {
    return undefined
  }
}

/**
 * Marks an error as one of a class of ours. A process may hold several copies of this package, such as one that a bundler has built in
 * and one beside the bundle: each recognises by the mark what the others have made. Nobody sees it who lists or logs the error.
 */
export function brand(error: object, mark: symbol): void {
  Object.defineProperty(error, mark, { value: true })
}

/**
 * What `instanceof` says of a class whose errors are marked.
 * @param asked the class on the right of `instanceof`: `own`, or one that extends it
 */
export function isBranded(asked: unknown, own: unknown, mark: symbol, value: unknown): boolean {
  if (asked !== own) return Function.prototype[Symbol.hasInstance].call(asked, value)
  return typeof value === 'object' && value !== null && mark in value
}

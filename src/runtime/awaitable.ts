/** A value, or a promise of it. In-memory implementations of a port answer without a promise. */
export type Awaitable<T> = T | Promise<T>

/** Runs `next` with the value. At once when the value is not a promise: no promise, no microtask. */
export function chain<T, R>(value: Awaitable<T>, next: (value: T) => Awaitable<R>): Awaitable<R> {
  return value instanceof Promise ? value.then(next) : next(value)
}

/** Also true of promises of another realm or library. */
export function isPromised(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function'
}

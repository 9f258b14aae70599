import type { Awaitable } from './awaitable.ts'
import { StoreError } from './errors.ts'

/** Longest time one question to a store may take; then its requests are answered with 503. */
export const storeDeadlineMs = 1_000

/**
 * Calls `giveUp` after a deadline, once everything that arrived by then was read: a process that was busy or
 * frozen must not blame its own delay on others.
 * @returns a function that cancels it.
 */
export function atDeadline(deadlineMs: number, giveUp: () => void): () => void {
  let isOver = false
  const timer = setTimeout(() => setImmediate(() => isOver || giveUp()), deadlineMs)
  return () => {
    isOver = true
    clearTimeout(timer)
  }
}

/**
 * The value, or what `late` returns or throws when the value does not come in time. A later result is
 * ignored.
 * @throws StoreError `store_timeout`, unless `late` says otherwise.
 */
export function withDeadline<T>(
  value: Awaitable<T>,
  deadlineMs = storeDeadlineMs,
  late: () => T = throwTimeout,
): Promise<T> {
  if (typeof (value as Partial<PromiseLike<T>> | null | undefined)?.then !== 'function')
    return Promise.resolve(value)
  return new Promise((resolve, reject) => {
    const cancel = atDeadline(deadlineMs, () => {
      try {
        resolve(late())
      } catch (error) {
        reject(error)
      }
    })
    ;(value as PromiseLike<T>).then(
      (result) => {
        cancel()
        resolve(result)
      },
      (error: unknown) => {
        cancel()
        reject(error)
      },
    )
  })
}

/** A fixed text, without the time that was left: one outage is one message in a log. */
export function timeoutError(): StoreError {
  return new StoreError('store_timeout', 'The store did not answer in time.')
}

function throwTimeout(): never {
  throw timeoutError()
}

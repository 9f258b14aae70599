import type { Awaitable } from './awaitable.ts'
import { StoreError } from './errors.ts'

/** Longest time one question to a store may take before its requests are answered with 503. */
export const storeDeadlineMs = 1_000

/**
 * Calls `giveUp` when a deadline is over and what has arrived by then was read: a process that was busy or
 * frozen for that long judges by what it has got, not by its own delay.
 * @returns cancels it.
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
 * The value, or what `late` gives or throws when it does not come in time. Then whatever comes later is
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

/** Without the time that was left: one outage is one message in a log. */
export function timeoutError(): StoreError {
  return new StoreError('store_timeout', 'The store did not answer in time.')
}

function throwTimeout(): never {
  throw timeoutError()
}

import type { Awaitable } from './awaitable.ts'
import { StoreError } from './errors.ts'

/** Longest time one question to a store may take before its requests are answered with 503. */
export const storeDeadlineMs = 1_000

/**
 * The value, or a StoreError `store_timeout` when it does not come in time; a late one is ignored. A process that was busy
 * or frozen for that long reads what has arrived meanwhile before it judges.
 */
export async function withDeadline<T>(value: Awaitable<T>, deadlineMs = storeDeadlineMs): Promise<T> {
  if (!(value instanceof Promise)) return value
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => setImmediate(() => reject(timeoutError())), deadlineMs)
  })
  try {
    return await Promise.race([value, deadline])
  } finally {
    clearTimeout(timer)
  }
}

/** Without the time that was left: one outage is one message in a log. */
export function timeoutError(): StoreError {
  return new StoreError('store_timeout', 'The store did not answer in time.')
}

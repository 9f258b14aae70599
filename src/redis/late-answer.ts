import { withDeadline } from '../runtime/deadline.ts'
import { StoreError } from '../runtime/errors.ts'

class LateError extends StoreError {}

export function isLate(error: unknown): boolean {
  return error instanceof LateError
}

/** The answer of Redis, or a rejection after `timeoutMs`; a later answer is ignored. */
export function withTimeout<T>(value: Promise<T>, timeoutMs: number): Promise<T> {
  return withDeadline(value, timeoutMs, () => {
    throw new LateError('store_unavailable', `Redis did not answer within ${timeoutMs} ms.`)
  })
}

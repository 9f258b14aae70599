import { KeyError, StoreError } from '../runtime/errors.ts'
import { toSnakeCase } from '../runtime/letter-case.ts'
import { withSnakeCaseFields } from './field-names.ts'
import { AdminProblem } from './problem.ts'

/** Turns every error of the layers below into an answer for the caller. */
export function toProblem(error: unknown): AdminProblem {
  if (error instanceof AdminProblem) return error
  if (error instanceof KeyError) {
    if (error.code === 'not_found') return new AdminProblem('not_found')
    const detail = withSnakeCaseFields(error.message)
    if (error.code === 'conflict')
      return new AdminProblem('conflict', {
        detail,
        ...(error.reason !== undefined && { reason: error.reason }),
      })
    return new AdminProblem('invalid_field', { detail, field: toSnakeCase(error.field ?? 'body') })
  }
  if (error instanceof StoreError) return new AdminProblem('store_unavailable', { retryAfterSeconds: 1 })
  return new AdminProblem('internal_error')
}

import type { z } from 'zod'
import { toSnakeCase } from '../runtime/letter-case.ts'
import { plainIssue } from './plain-issue.ts'
import { AdminProblem } from './problem.ts'

const maxReported = 10
/** Field names that may be quoted in an answer: a misplaced secret does not look like this. */
const fieldPattern = /^[A-Za-z_][A-Za-z0-9_]{0,39}$/

/** @throws AdminProblem `invalid_field` naming the field; never quotes a value. */
export function validate<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value, { error: plainIssue })
  if (result.success) return result.data
  const errors = result.error.issues.flatMap(toFieldErrors).slice(0, maxReported)
  const [first] = errors
  throw new AdminProblem('invalid_field', {
    field: first?.field ?? 'body',
    detail: `${first?.field ?? 'body'} ${first?.detail ?? 'is not as it should be'}`,
    errors,
  })
}

function toFieldErrors(issue: z.core.$ZodIssue): { field: string; detail: string }[] {
  if (issue.code === 'unrecognized_keys') {
    const within = issue.path[0] === 'trial' ? 'trial.' : ''
    return issue.keys.map((key) =>
      fieldPattern.test(key)
        ? { field: within + key, detail: `is not a field of this call${spellingHint(key)}` }
        : { field: 'body', detail: 'has a field that this call does not know' },
    )
  }
  const [name, ...rest] = issue.path
  const rule = name === 'trial' && typeof rest[0] === 'string' ? `.${rest.shift() as string}` : ''
  const field = typeof name === 'string' && fieldPattern.test(name) ? name + rule : 'body'
  const at = rest.length > 0 && typeof rest[0] === 'number' ? `entry ${rest[0]}: ` : ''
  return [{ field, detail: `${at}${issue.message}` }]
}

function spellingHint(name: string): string {
  const wireName = toSnakeCase(name)
  return wireName === name ? '' : `; names are in snake case here, such as ${wireName}`
}

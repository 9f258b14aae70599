import type { Operation } from './operation.ts'
import { AdminProblem } from './problem.ts'
import { readJsonBody } from './request-body.ts'
import { validate } from './validation.ts'

/** The parameters of a call, checked. @throws AdminProblem `invalid_field` */
export function validateQuery(operation: Operation, search: URLSearchParams): unknown {
  const query: Record<string, string> = {}
  for (const name of new Set(search.keys())) {
    const values = search.getAll(name)
    if (values.length > 1 || operation.query === undefined) {
      const field = /^\w{1,40}$/.test(name) ? name : 'query'
      const problem = values.length > 1 ? 'is there more than once' : 'is not a parameter of this call'
      throw new AdminProblem('invalid_field', { field, detail: `${field} ${problem}` })
    }
    Object.defineProperty(query, name, { value: values[0], enumerable: true })
  }
  return operation.query === undefined ? {} : validate(operation.query, query)
}

/** Request headers that promise something, and what to do where a call does not keep it. */
const promises: Readonly<Record<string, string>> = {
  'If-Match': 'leave it out: this call changes no single version of a key',
  'Idempotency-Key': 'leave it out: only the creation of a key may be repeated with it',
}

/** @throws AdminProblem `invalid_field` for a header whose promise this call would not keep. */
export function assertHeaders({ headers = {} }: Operation, sent: Headers): void {
  for (const [field, advice] of Object.entries(promises)) {
    if (sent.has(field) && headers[field] === undefined)
      throw new AdminProblem('invalid_field', { field, detail: `${field} has no effect here; ${advice}` })
  }
}

/** The body of a call, read and checked. @throws AdminProblem for a body that this call does not accept. */
export async function validateBody({ method, body }: Operation, request: Request): Promise<unknown> {
  if (method === 'GET') return undefined
  const value = await readJsonBody(request, body?.maxBytes)
  if (body === undefined) {
    const isEmpty =
      value === undefined || (typeof value === 'object' && value !== null && Object.keys(value).length === 0)
    if (isEmpty) return undefined
    throw new AdminProblem('invalid_field', { field: 'body', detail: 'body must be empty for this call' })
  }
  if (value === undefined && !body.required) return undefined
  if (value === undefined) throw new AdminProblem('invalid_json')
  return validate(body.schema, value)
}

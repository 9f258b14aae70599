import { z } from 'zod'
import { callerHeader } from './caller-mark.ts'
import type { Operation } from './operation.ts'

/** Answers that any operation may give, by status. */
const refusals: Readonly<Record<number, string>> = {
  400: 'The body is no JSON.',
  401: 'No valid token.',
  403: 'The token may only read, or the call comes from the page of another site.',
  404: 'There is nothing with this id.',
  409: 'The state of the key does not allow it, or it was changed in the meantime.',
  412: `The call comes from somebody else than ${callerHeader} says.`,
  413: 'The body is too large.',
  415: 'The body is not declared as application/json.',
  422: 'A field, a parameter or a header is unknown to the call, or has a value it cannot have.',
  429: 'Too many invalid tokens from this address.',
  500: 'The call failed.',
  503: 'The store does not answer.',
}

export const problemSchema = z.object({
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string(),
  field: z.string().optional(),
  errors: z.array(z.object({ field: z.string(), detail: z.string() })).optional(),
  reason: z.string().optional(),
  retry_after: z.int().optional(),
})

type Json = Record<string, unknown>

/**
 * OpenAPI 3.1 of the operations, from the schemas that validate. @param server path that the API is mounted
 * under
 */
export function createOpenApi(operations: readonly Operation[], server: string): Json {
  const paths: Record<string, Json> = {}
  for (const operation of operations) {
    paths[operation.path] ??= {}
    const path = paths[operation.path] as Json
    path[operation.method.toLowerCase()] = describeOperation(operation)
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'writekey management API',
      version: '1.0.0',
      description: 'Create, watch, rotate and revoke write keys.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: server === '' ? '/' : server }],
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      schemas: { Problem: toSchema(problemSchema, 'output') },
    },
  }
}

function describeOperation(operation: Operation): Json {
  const { body } = operation
  return {
    operationId: operation.id,
    summary: operation.summary,
    description: operation.role === 'admin' ? 'Needs the role admin.' : 'Needs the role viewer or admin.',
    parameters: [...pathParameters(operation), ...queryParameters(operation), ...headerParameters(operation)],
    ...(body !== undefined && {
      requestBody: {
        required: body.required,
        content: { 'application/json': { schema: toSchema(body.schema, 'input') } },
      },
    }),
    responses: { ...answers(operation), ...possibleRefusals(operation) },
  }
}

function answers({ answers }: Operation): Json {
  return Object.fromEntries(
    Object.entries(answers).map(([status, { description, schema, contentType }]) => {
      const content =
        schema !== undefined
          ? { [contentType ?? 'application/json']: { schema: toSchema(schema, 'output') } }
          : contentType !== undefined
            ? { [contentType]: { schema: { type: 'string' } } }
            : undefined
      return [status, { description, ...(content !== undefined && { content }) }]
    }),
  )
}

function possibleRefusals({ method, path }: Operation): Json {
  const impossible = new Set(method === 'GET' ? [400, 403, 409, 413, 415] : [])
  if (!path.includes('{')) impossible.add(404)
  return Object.fromEntries(
    Object.entries(refusals)
      .filter(([status]) => !impossible.has(Number(status)))
      .map(([status, description]) => [
        status,
        {
          description,
          content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
        },
      ]),
  )
}

function pathParameters({ path }: Operation): Json[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }))
}

function queryParameters({ query }: Operation): Json[] {
  if (query === undefined) return []
  const { properties = {} } = toSchema(query, 'input') as { properties?: Record<string, Json> }
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: 'query',
    required: false,
    ...(description !== undefined && { description }),
    schema,
  }))
}

/** Headers that every call reads. */
const commonHeaders: Readonly<Record<string, string>> = {
  [callerHeader]:
    'Whom the client believes to be: the JSON array of `name`, `role` and `workspace` (null = all) as `GET …/session` gave them, percent-encoded. 412 if the call comes from somebody else.',
}

function headerParameters({ headers = {} }: Operation): Json[] {
  return Object.entries({ ...headers, ...commonHeaders }).map(([name, description]) => ({
    name,
    in: 'header',
    required: false,
    description,
    schema: { type: 'string' },
  }))
}

function toSchema(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io })
  return rest
}

import type { z } from 'zod'
import type { Principal, Role } from './admin-options.ts'
import type { KeyNames } from './key-names.ts'
import { answerHeaders } from './problem.ts'
import type { ScopedKeys } from './workspace-scope.ts'

/** One authenticated and validated call. */
export interface Call<Query = unknown, Body = unknown> {
  request: Request
  /** Path parameters, decoded and otherwise unchecked. */
  params: Readonly<Record<string, string>>
  query: Query
  body: Body
  principal: Principal
  /** The client's address as `trustedProxies` says. */
  address: string | undefined
  /** The keys, limited to what the caller may see and change. Nothing of another workspace can be reached. */
  keys: ScopedKeys
  keyNames: KeyNames
  /** Milliseconds since the epoch. */
  now: () => number
  /** Whether the caller still has the same rights. For long answers. */
  isStillAllowed(): Promise<boolean>
}

/** The meaning of one status code of an operation. */
interface AnswerDescription {
  description: string
  /** If absent, the answer has no body, or is not JSON. */
  schema?: z.ZodType
  /** Content type when it is not JSON. */
  contentType?: string
}

/** One call of the management API. The router, the validation and openapi.json are derived from it. */
export interface Operation {
  /** Name of the call in openapi.json and in the audit log. */
  id: string
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** Relative to the base path, with parameters in braces. */
  path: string
  /** The lowest role that may call it. */
  role: Role
  summary: string
  query?: z.ZodObject
  /** Request headers that it reads, and what they are for. */
  headers?: Readonly<Record<string, string>>
  body?: {
    schema: z.ZodType
    required: boolean
    /** Default `maxRequestBytes`. */
    maxBytes?: number
  }
  answers: Readonly<Record<number, AnswerDescription>>
  handle(call: Call): Promise<Response>
}

/** Lets the compiler infer the types of query and body for `handle`. */
export function defineOperation<Query extends z.ZodObject = z.ZodObject, Body extends z.ZodType = z.ZodType>(
  operation: Omit<Operation, 'handle' | 'query' | 'body'> & {
    query?: Query
    body?: { schema: Body; required: boolean; maxBytes?: number }
    handle(call: Call<z.output<Query>, z.output<Body>>): Promise<Response>
  },
): Operation {
  return operation as unknown as Operation
}

/** The caller, for the audit log. */
export function actorOf({ principal, address }: Call) {
  return { actor: { name: principal.name, ...(address !== undefined && { address }) } }
}

export function jsonAnswer(
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { ...answerHeaders, 'content-type': 'application/json', ...headers },
  })
}

export function emptyAnswer(): Response {
  return new Response(null, { status: 204, headers: answerHeaders })
}

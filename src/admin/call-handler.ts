import type { WriteKeys } from '../write-keys-interface.ts'
import type { Access } from './access.ts'
import type { Principal } from './admin-options.ts'
import { assertHeaders, validateBody, validateQuery } from './call-input.ts'
import type { CallVisit } from './call-refusals.ts'
import { callerHeader, callerMark } from './caller-mark.ts'
import { assertSameOrigin } from './cross-site.ts'
import { createKeyNames } from './key-names.ts'
import type { Operation } from './operation.ts'
import { AdminProblem } from './problem.ts'
import { inAllWorkspaces, inWorkspace } from './workspace-scope.ts'

/**
 * Answers a call of one operation. Who may call is decided before a byte of the body is read.
 * @throws AdminProblem, and what the operation throws
 */
export type HandleCall = (
  operation: Operation,
  request: Request,
  params: Record<string, string>,
  visit: CallVisit,
) => Promise<Response>

export function createCallHandler(keys: WriteKeys, access: Access, now: () => number): HandleCall {
  const keyNames = createKeyNames(keys, now)

  return async (operation, request, params, visit) => {
    const { address } = visit
    visit.operation = operation
    visit.keyId = params.id
    const { principal, identifiedBy } = await access.identify(request, { address })
    visit.principal = principal
    if (operation.method !== 'GET') assertSameOrigin(request, identifiedBy)
    assertCaller(principal, request)
    if (operation.role === 'admin' && principal.role !== 'admin') throw new AdminProblem('read_only_token')
    assertHeaders(operation, request.headers)
    const query = validateQuery(operation, new URL(request.url).searchParams)
    const body = await validateBody(operation, request)
    const { workspace } = principal
    const scoped = workspace === undefined ? inAllWorkspaces(keys) : inWorkspace(keys, workspace)
    return operation.handle({
      request,
      params,
      query,
      body,
      principal,
      address,
      keys: scoped,
      keyNames: workspace === undefined ? keyNames : createKeyNames(scoped, now),
      now,
      isStillAllowed: () => access.isStill(principal, request, { address }),
    })
  }
}

/**
 * The session of a browser may change under an open page. Such a page must neither show nor change what belongs to
 * somebody else.
 * @throws AdminProblem `other_caller`
 */
function assertCaller({ name, role, workspace }: Principal, { headers, method }: Request): void {
  const believed = headers.get(callerHeader)
  if (believed === null || believed === callerMark({ name, role, workspace: workspace ?? null })) return
  const who = `${name} now (${role}, ${workspace === undefined ? 'all workspaces' : `workspace ${workspace}`})`
  throw new AdminProblem('other_caller', {
    // A page that only refreshes itself has tried to do nothing.
    detail:
      method === 'GET' || method === 'HEAD'
        ? `Who is signed in has changed: it is ${who}.`
        : `Nothing was done: this call comes from ${who}.`,
  })
}

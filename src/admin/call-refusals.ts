import { toError } from '../runtime/thrown.ts'
import type { WriteKeys } from '../write-keys-interface.ts'
import type { Principal, ResolvedAdminOptions } from './admin-options.ts'
import { toProblem } from './error-problem.ts'
import type { Operation } from './operation.ts'
import { type AdminProblem, toProblemResponse } from './problem.ts'
import { createRefusalAudit } from './refusal-audit.ts'

/** What is known of a call when it is refused. */
export interface CallVisit {
  operation: Operation | undefined
  principal: Principal | undefined
  address: string | undefined
  keyId: string | undefined
}

export interface CallRefusals {
  /** Answers a call that threw. Failures are logged, refusals are noted in the audit log. */
  refuse(error: unknown, request: Request, visit: CallVisit): Promise<Response>
  /** A call succeeded: the next failure is logged again. */
  succeeded(): void
}

export function createCallRefusals(
  keys: WriteKeys,
  { now, logger }: Pick<ResolvedAdminOptions, 'now' | 'logger'>,
): CallRefusals {
  const noteRefusal = createRefusalAudit(keys, now)
  let loggedFailure = ''

  /** A page that asks again and again logs one outage once. */
  function log(error: Error, problem: AdminProblem): void {
    const failure = `${problem.code} ${error.message}`
    if (failure === loggedFailure) return
    loggedFailure = failure
    try {
      logger?.error?.({ err: error }, `writekey: a management call failed: ${problem.code}`)
    } catch {
      // The logger belongs to the application; its faults change no answer.
    }
  }

  return {
    async refuse(thrown, request, visit) {
      const error = toError(thrown)
      const problem = toProblem(error)
      if (problem.status >= 500) log(error, problem)
      else if (isNoted(request, problem)) {
        await noteRefusal({ ...visit, problem, call: visit.operation?.id ?? request.method.slice(0, 20) })
      }
      return toProblemResponse(problem)
    },
    succeeded() {
      loggedFailure = ''
    },
  }
}

/** Refused changes are always noted. Refused reads are noted when somebody tries tokens. */
function isNoted({ method, headers }: Request, { code }: AdminProblem): boolean {
  if (code === 'too_many_failures') return false
  const isRead = method === 'GET' || method === 'HEAD' || method === 'OPTIONS'
  return !isRead || (code === 'invalid_token' && headers.has('authorization'))
}

import { createHash, timingSafeEqual } from 'node:crypto'
import { bearerPattern, workspaceCharacters, workspacePattern } from '../keys/ids.ts'
import type { Principal, RequestInfo, ResolvedAdminOptions, Role } from './admin-options.ts'
import { createFailedAttempts } from './failed-attempts.ts'
import { AdminProblem } from './problem.ts'

/** Wrong tokens that one address may present in a minute. */
const maxFailures = 20

const roles: readonly Role[] = ['admin', 'viewer']

/** Who sent a request, and how that was found. */
export interface Caller {
  principal: Principal
  /** `application`: by `authorize`, which may use a cookie that browsers send along unasked. */
  identifiedBy: 'token' | 'application'
}

/** Finds who sent a request. */
export interface Access {
  /**
   * @throws AdminProblem `invalid_token` or `too_many_failures`. A good token passes however many wrong ones
   * came from its address.
   */
  identify(request: Request, info: RequestInfo): Promise<Caller>
  /** Whether the request would still be let in with the same name, rights and workspace. Never rejects. */
  isStill(principal: Principal, request: Request, info: RequestInfo): Promise<boolean>
}

export function createAccess({ tokens, authorize, now }: ResolvedAdminOptions): Access {
  const known = tokens.map(({ token, ...principal }) => ({ principal, hash: sha256(token) }))
  const failures = createFailedAttempts(maxFailures, now)

  /** Compares with every token, in the same time whichever matches. */
  function findToken(presented: string): Principal | undefined {
    const hash = sha256(presented)
    let found: Principal | undefined
    for (const { principal, hash: expected } of known) {
      if (timingSafeEqual(hash, expected)) found = principal
    }
    return found
  }

  async function findCaller(request: Request, info: RequestInfo): Promise<Caller | undefined> {
    const presented = bearerToken(request.headers)
    const byToken = presented === undefined ? undefined : findToken(presented)
    if (byToken !== undefined) return { principal: byToken, identifiedBy: 'token' }
    const principal = authorize === undefined ? null : await authorize(request, info)
    if (principal === null || principal === undefined) return undefined
    return { principal: assertPrincipal(principal), identifiedBy: 'application' }
  }

  return {
    async identify(request, info) {
      const caller = await findCaller(request, info)
      if (caller !== undefined) return caller
      if (request.headers.has('authorization') && failures.add(info.address)) {
        throw new AdminProblem('too_many_failures', {
          retryAfterSeconds: failures.retryAfterSeconds(info.address),
        })
      }
      throw new AdminProblem('invalid_token')
    },

    async isStill({ name, role, workspace }, request, info) {
      try {
        const now = (await findCaller(request, info))?.principal
        return now !== undefined && now.name === name && now.role === role && now.workspace === workspace
      } catch {
        return false
      }
    },
  }
}

/** RFC 6750, 2.1. A repeated header arrives joined by a comma, which no token contains. */
function bearerToken(headers: Headers): string | undefined {
  return bearerPattern.exec(headers.get('authorization') ?? '')?.[1]
}

/** A bad workspace, as from a session without one, must not come to mean all of them. */
function assertPrincipal(principal: Principal): Principal {
  const { name, role, workspace } = principal
  const isScoped = 'workspace' in principal
  const isBad = isScoped && !(typeof workspace === 'string' && workspacePattern.test(workspace))
  if (typeof name !== 'string' || !roles.includes(role) || isBad) {
    throw new TypeError(
      `authorize must return { name, role: 'admin' | 'viewer' } or null; a workspace, if it is there, must be ${workspaceCharacters}`,
    )
  }
  return { name: name.slice(0, 100), role, ...(isScoped && { workspace: workspace as string }) }
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

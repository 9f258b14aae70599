import { withDeadline } from '../runtime/deadline.ts'
import type { WriteKeys } from '../write-keys-interface.ts'
import type { Principal } from './admin-options.ts'
import { createFailedAttempts } from './failed-attempts.ts'
import type { AdminProblem } from './problem.ts'

/** A refused call, as far as it could be read. */
export interface RefusedRequest {
  problem: AdminProblem
  /** Id of the operation; for unknown paths only the method. */
  call: string
  principal: Principal | undefined
  address: string | undefined
  keyId: string | undefined
}

/** Entries that callers without a token may cause in a minute: per address, and in all. */
const maxPerAddress = 20
const maxInAll = 200

/**
 * Records refused calls in the audit log. Entries of callers without a token are limited, so that a flood
 * cannot fill a disk.
 */
export function createRefusalAudit(keys: WriteKeys, now: () => number) {
  const perAddress = createFailedAttempts(maxPerAddress, now)
  const inAll = createFailedAttempts(maxInAll, now)

  /** Never rejects: the call is refused even if that cannot be recorded. */
  return async function noteRefusal(refused: RefusedRequest): Promise<void> {
    const { principal, address, keyId, problem } = refused
    if (principal === undefined && (perAddress.add(address) || inAll.add(undefined))) return
    const { field, reason } = problem.details
    const noted = keys.noteRefused({
      actor: { name: principal?.name ?? 'unknown', ...(address !== undefined && { address }) },
      ...(keyId !== undefined && { keyId }),
      ...(principal?.workspace !== undefined && { workspace: principal.workspace }),
      details: {
        call: refused.call,
        status: problem.status,
        code: problem.code,
        ...(field !== undefined && { field }),
        ...(reason !== undefined && { reason }),
      },
    })
    await withDeadline(noted).catch(() => {})
  }
}

import { mustClose } from '../http/connection-close.ts'
import { StoreError } from '../runtime/errors.ts'
import { toError } from '../runtime/thrown.ts'
import type { ChallengePolicy } from './challenge.ts'
import type { WriteKeyEvent } from './decision-event.ts'
import type { DecisionReport } from './decision-report.ts'
import type { Reason } from './reasons.ts'
import { type RefusalDetails, refusalReply } from './refusal-reply.ts'
import type { Refused } from './verdict.ts'
import type { Visit } from './visit.ts'

export interface RefusalsOptions {
  challenge: ChallengePolicy
  emit: (event: WriteKeyEvent) => void
}

/** The ways in which the sequence of checks ends early. Each is reported. */
export interface Refusals {
  /** @param error what the application threw, for hooks and logs */
  refuse(visit: Visit, reason: Reason, details?: Partial<RefusalDetails>, error?: unknown): Refused
  /** Something threw that should not have. */
  refuseFailed(visit: Visit, error: unknown): Refused
}

export function createRefusals(options: RefusalsOptions, report: DecisionReport): Refusals {
  const { challenge, emit } = options

  function refuse(visit: Visit, reason: Reason, details?: Partial<RefusalDetails>, error?: unknown): Refused {
    report.refused(visit, reason, error === undefined ? undefined : toError(error))
    const reply = refusalReply(reason, challenge, {
      allowOrigin: visit.allowOrigin,
      fromBrowser: visit.fromPage,
      closeConnection: mustClose(visit),
      ...details,
    })
    return { ok: false, reason, reply }
  }

  return {
    refuse,
    refuseFailed(visit, thrown) {
      const error = toError(thrown)
      // Store errors have been reported where they arose, once per failed read and not once per waiting
      // request.
      const reason = error instanceof StoreError ? 'store_unavailable' : 'internal_error'
      if (reason === 'internal_error') emit({ type: 'internal_error', error })
      try {
        return refuse(visit, reason)
      } catch {
        // A request that cannot even be reported, for example because its properties throw, is refused all
        // the same.
        const plain = { allowOrigin: '*', fromBrowser: false, closeConnection: true }
        return { ok: false, reason, reply: refusalReply(reason, challenge, plain) }
      }
    },
  }
}

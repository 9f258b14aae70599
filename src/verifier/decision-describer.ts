import { createSecretMask } from '../keys/secret-mask.ts'
import type { FindClientAddress } from '../rules/client-address.ts'
import { keyFieldsOf, withoutCarriedKey } from './carried-key.ts'
import type { CompiledKey } from './compiled-key.ts'
import type { CheckedEvents } from './events.ts'
import type { Reason } from './reasons.ts'
import type { RequestDecision } from './request-decision.ts'
import type { Visit } from './visit.ts'

/** Describes decisions for those who are told of them. */
export interface DecisionDescriber {
  /** Where a request came from, as far as it is known. */
  whereFrom(visit: Visit): { origin?: string; address?: string }
  /** @param reason null: it was accepted. */
  toDecision(visit: Visit, reason: Reason | null, checked?: CheckedEvents): RequestDecision
}

export function createDecisionDescriber(clientAddress: FindClientAddress): DecisionDescriber {
  /**
   * For a report only: when an application's `trustedProxies` throws, the request has been refused already.
   */
  function addressIfTold({ address, request }: Visit): string | undefined {
    if (address !== undefined) return address?.text
    try {
      return clientAddress(request.ip, request.headers)?.text
    } catch {
      return undefined
    }
  }

  function whereFrom(visit: Visit): { origin?: string; address?: string } {
    const origin = shownOrigin(visit)
    const address = addressIfTold(visit)
    return { ...(origin !== undefined && { origin }), ...(address !== undefined && { address }) }
  }

  function toDecision(visit: Visit, reason: Reason | null, checked?: CheckedEvents): RequestDecision {
    const { received } = visit
    return {
      reason,
      wouldRefuse: reason === null ? visit.wouldRefuse : undefined,
      keyId: visit.keyId ?? null,
      sourceType: visit.key?.verified.sourceType ?? null,
      secret: visit.key === undefined ? null : toSecret(visit.key),
      events: checked?.events.length ?? 0,
      rejected: checked?.rejected.length ?? 0,
      routeType: visit.routeType,
      body: received?.ok ? received.value : undefined,
      bytes: bytesOf(visit),
      request: withoutCarriedKey(visit),
      startedAt: visit.at,
      batchFields: visit.reading.batchFields,
      keyFields: keyFieldsOf(
        visit.reading.credentials,
        visit.presented,
        received?.ok ? received.value : undefined,
      ),
      presented: visit.presented,
      ...whereFrom(visit),
    }
  }

  return { whereFrom, toDecision }
}

/** A program may send any text as its origin. */
function shownOrigin({ origin, presented }: Visit): string | undefined {
  // Most origins are shorter than a secret, so this costs nothing.
  if (origin === undefined || !presented || origin.length < presented.length) return origin
  return createSecretMask(presented)(origin)
}

function toSecret(key: CompiledKey): RequestDecision['secret'] {
  const { verified, secretCreatedAt: createdAt, secretExpiresAt: expiresAt } = key
  return { id: verified.secretId, createdAt, expiresAt }
}

/** Length of the body once inflated, where it was read. */
export function bytesOf({ received }: Visit): number | undefined {
  return received?.ok ? received.bytes : undefined
}

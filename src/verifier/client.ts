import type { ClientAddress, FindClientAddress } from '../rules/client-address.ts'
import { addressSource, networkOf } from './address-source.ts'
import type { Visit } from './visit.ts'

/** Tells who sent a request. The address is found once, when somebody needs it. */
export interface ClientOf {
  /** Undefined when it cannot be told. @throws whatever an application's `trustedProxies` throws */
  addressOf(visit: Visit): ClientAddress | undefined
  /** Whom to count wrong keys and unread bodies against. */
  sourceOf(visit: Visit): string
}

export function createClientOf(findAddress: FindClientAddress): ClientOf {
  function addressOf(visit: Visit): ClientAddress | undefined {
    if (visit.address === undefined) {
      visit.address = findAddress(visit.request.ip, visit.request.headers) ?? null
    }
    return visit.address ?? undefined
  }

  return {
    addressOf,
    sourceOf(visit) {
      const address = addressOf(visit)
      return address === undefined ? addressSource(visit.request.ip) : networkOf(address.parsed)
    },
  }
}

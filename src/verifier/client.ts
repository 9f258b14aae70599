import type { ClientAddress, FindClientAddress } from '../rules/client-address.ts'
import { addressSource, networkOf } from './address-source.ts'
import type { Visit } from './visit.ts'

/** Finds who sent a request. The address is found once, when it is needed. */
export interface ClientOf {
  /** Undefined when it cannot be told. @throws whatever an application's `trustedProxies` throws */
  addressOf(visit: Visit): ClientAddress | undefined
  /** Who pays for wrong keys and unread bodies. */
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

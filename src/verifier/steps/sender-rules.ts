import { allowsAddress } from '../../rules/ip-rule.ts'
import { allowsOrigin, type OriginRule } from '../../rules/origin-rule.ts'
import type { ClientOf } from '../client.ts'
import type { CompiledKey } from '../compiled-key.ts'
import type { DecisionReport } from '../decision-report.ts'
import type { Refusals } from '../refusals.ts'
import type { Refused } from '../verdict.ts'
import { isForeignPage, type Visit } from '../visit.ts'

export interface SenderRulesOptions {
  serverKeysInBrowsers: 'allow' | 'deny'
}

export interface SenderRules {
  /**
   * Steps 7 and 8: whether the key is paused, and may be used from this address and this page. Sets what CORS
   * allows.
   */
  refuseSender(visit: Visit, key: CompiledKey): Refused | undefined
  /** Reports a server's key that a browser uses, where that is allowed. */
  reportPage(visit: Visit, key: CompiledKey): void
}

export function createSenderRules(
  { serverKeysInBrowsers }: SenderRulesOptions,
  client: ClientOf,
  { refuse }: Refusals,
  report: DecisionReport,
): SenderRules {
  return {
    refuseSender(visit, key) {
      report.senderKnown(visit)
      const { origin, fromPage } = visit
      const originAllowed = !fromPage || isPageAllowed(visit, key.origins)
      if (key.origins !== null) visit.allowOrigin = origin !== undefined && originAllowed ? origin : null
      else if (!originAllowed) visit.allowOrigin = null
      // Here and not with the status: pages that the key allows can read the answer, and retry later.
      if (key.isPaused) return refuse(visit, 'key_paused')
      const address = client.addressOf(visit)
      // It would get round its share, and an address that may send would be refused for another cause.
      if (address === undefined && visit.request.isReset && needsAddress(key))
        return refuse(visit, 'client_aborted')
      if (key.ips !== null && !allowsAddress(key.ips, address?.parsed)) return refuse(visit, 'ip_not_allowed')
      if (!originAllowed) return refuse(visit, 'origin_not_allowed')
      if (isServerKeyInPage(visit, key) && serverKeysInBrowsers === 'deny') {
        visit.allowOrigin = null
        return refuse(visit, 'origin_not_allowed')
      }
      return undefined
    },
    reportPage(visit, key) {
      if (isServerKeyInPage(visit, key)) report.serverKeyInBrowser(key, visit.origin)
    },
  }
}

function needsAddress({ ips, senderPolicy }: CompiledKey): boolean {
  return ips !== null || senderPolicy !== null
}

function isPageAllowed({ request, origin }: Visit, rule: OriginRule | null): boolean {
  if (rule === null) return !isForeignPage(request)
  return origin !== undefined && allowsOrigin(rule, origin)
}

function isServerKeyInPage({ fromPage }: Visit, key: CompiledKey): boolean {
  return fromPage && key.verified.sourceType === 'server'
}

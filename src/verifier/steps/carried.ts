import { findCarriedKey, mayCarryKey, withoutKey } from '../carried-key.ts'
import type { Verdict } from '../verdict.ts'
import type { Visit } from '../visit.ts'

/**
 * After all checks: adds to a verdict what others must not see of the request, and keeps answers to keys in
 * URLs out of caches.
 */
export function withCarriedKey(visit: Visit, verdict: Verdict): Verdict {
  const { request, reading, presented, keyId } = visit
  if (!mayCarryKey(reading.credentials) || typeof request.path !== 'string') return verdict
  const carried = findCarriedKey(reading.credentials, request, presented, keyId)
  if (carried === undefined) return verdict
  if (carried.inUrl) {
    visit.request = withoutKey(request, carried)
    if (verdict.ok) Object.assign(verdict.headers, { 'cache-control': 'no-store' })
  }
  return Object.assign(verdict, { carried })
}

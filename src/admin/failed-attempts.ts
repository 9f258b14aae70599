import { toRetryAfterSeconds } from '../limits/retry-after.ts'
import { createBoundedMap } from '../runtime/bounded-map.ts'
import { addressSource } from '../verifier/address-source.ts'

/** Counts wrong tokens per network address, so that guessing is slow and fills no log. */
export interface FailedAttempts {
  /** Notes one more. @returns whether the address is over its budget. */
  add(address: string | undefined): boolean
  /** Seconds until the address has its budget again; at least 1. */
  retryAfterSeconds(address: string | undefined): number
}

const windowMs = 60_000
const maxSources = 10_000

/** @param limit per IPv4 address or IPv6 network of 64 bits, in a minute. */
export function createFailedAttempts(limit: number, now: () => number): FailedAttempts {
  const windows = createBoundedMap<{ startedAt: number; count: number }>(maxSources)
  return {
    add(address) {
      const source = addressSource(address)
      const at = now()
      const current = windows.get(source)
      if (current === undefined || at - current.startedAt >= windowMs || at < current.startedAt) {
        windows.set(source, { startedAt: at, count: 1 })
        return false
      }
      current.count++
      return current.count > limit
    },
    retryAfterSeconds(address) {
      const current = windows.get(addressSource(address))
      const leftMs = current === undefined ? 0 : current.startedAt + windowMs - now()
      return Math.min(60, toRetryAfterSeconds(leftMs))
    },
  }
}

import type { CachedKeys } from './cached-keys.ts'
import type { Lease } from './lease.ts'
import type { Poller } from './poller.ts'

export interface StaleOnOutageOptions<Compiled> {
  staleOnOutageMs: number
  cached: Pick<CachedKeys<Compiled>, 'get'>
  lease: Lease
  poller: Pick<Poller, 'isFailing'>
  onStaleAccept: (keyId: string) => void
}

/** Serves cached keys while the store is unreachable. */
export interface StaleOnOutage<Compiled> {
  /** Whether cached keys count although the lease has ended. */
  isBridged(): boolean
  /** A cached key, while they count. One that counts only because of the outage is told. */
  find(digest: string, older?: () => readonly string[]): Compiled | undefined
}

export function createStaleOnOutage<Compiled extends { readonly id: string }>(
  options: StaleOnOutageOptions<Compiled>,
): StaleOnOutage<Compiled> {
  const { cached, lease, poller, staleOnOutageMs } = options

  const isYoungerThan = (ageMs: number) => lease.ageMs() < ageMs

  function isBridged(): boolean {
    return poller.isFailing() && isYoungerThan(lease.leaseMs() + staleOnOutageMs)
  }

  return {
    isBridged,
    find(digest, older) {
      // It may hold again: a question was answered before the one that failed, or the wall clock was set back.
      const holds = isYoungerThan(lease.leaseMs())
      if (!holds && !isBridged()) return undefined
      const hit =
        cached.get(digest) ??
        older?.().reduce<Compiled | undefined>((found, at) => found ?? cached.get(at), undefined)
      if (hit !== undefined && !holds) options.onStaleAccept(hit.id)
      return hit
    },
  }
}

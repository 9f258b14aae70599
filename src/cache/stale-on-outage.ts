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
  /** A cached key, while they count. */
  find(digest: string, older?: () => readonly string[]): Compiled | undefined
}

export function createStaleOnOutage<Compiled extends { readonly id: string }>(
  options: StaleOnOutageOptions<Compiled>,
): StaleOnOutage<Compiled> {
  const { cached, lease, poller } = options

  function isBridged(): boolean {
    return poller.isFailing() && lease.ageMs() < lease.leaseMs() + options.staleOnOutageMs
  }

  return {
    isBridged,
    find(digest, older) {
      if (!isBridged()) return undefined
      const hit =
        cached.get(digest) ??
        older?.().reduce<Compiled | undefined>((found, at) => found ?? cached.get(at), undefined)
      if (hit !== undefined) options.onStaleAccept(hit.id)
      return hit
    },
  }
}

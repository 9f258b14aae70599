import type { KeyCache } from '../cache/key-cache-interface.ts'
import type { Outage } from '../cache/outages.ts'
import type { ChangeHints } from '../stores/key-store.ts'

/** Announces committed changes: here at once, elsewhere by a hint that nobody waits for. */
export interface Announcements {
  changed(...keyIds: string[]): void
  /** The same for a key that nobody can use any more: it is no longer watched. */
  ended(keyId: string): void
}

export function createAnnouncements({
  cache,
  hints,
  publishing,
  forgetActivity,
}: {
  cache: Pick<KeyCache<never>, 'forget'>
  hints: ChangeHints | undefined
  publishing: Outage
  forgetActivity: (keyId: string) => void
}): Announcements {
  function changed(...keyIds: string[]): void {
    cache.forget(keyIds)
    if (hints === undefined) return
    const publish = async () => hints.publish(keyIds)
    publish().then(publishing.ended, publishing.began)
  }

  return {
    changed,
    ended(keyId) {
      changed(keyId)
      forgetActivity(keyId)
    },
  }
}

import type { Limits } from '../api/wire.ts'
import { Notice } from '../parts/notice.tsx'
import { formatCount } from '../words/format.ts'

/** How many keys the workspace of whoever is signed in may hold, before one too many is refused. */
export function KeyRoom({ limits }: { limits: Limits | null }) {
  if (limits === null || limits.max_keys === null || limits.keys_left === null) return null
  const most = formatCount(limits.max_keys)
  if (limits.keys_left === 0)
    return (
      <Notice level="warn">
        Your workspace holds as many keys as it may: {most}, with the revoked ones. Delete keys that are not
        used any more.
      </Notice>
    )
  return (
    <p class="hint">
      Your workspace holds {formatCount(limits.max_keys - limits.keys_left)} of at most {most} keys.
    </p>
  )
}

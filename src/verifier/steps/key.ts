import type { KeyCache, Lookup } from '../../cache/key-cache-interface.ts'
import type { PresentedSecret } from '../../keys/secret.ts'
import type { SecretHasher } from '../../keys/secret-hash.ts'
import type { Awaitable } from '../../runtime/awaitable.ts'
import type { Clock } from '../../runtime/clock.ts'
import { textAnswer } from '../../runtime/option-answer.ts'
import type { ClientOf } from '../client.ts'
import type { CompiledKey } from '../compiled-key.ts'
import { hasEnded } from '../grace.ts'
import type { Refusals } from '../refusals.ts'
import type { Refused } from '../verdict.ts'
import type { Visit } from '../visit.ts'

export interface KeyStepOptions {
  cache: Pick<KeyCache<CompiledKey>, 'find'>
  /** Newest pepper first; at least one. */
  hashers: readonly [SecretHasher, ...SecretHasher[]]
  clock: Clock
  environment: string
  /** Why a key that seems unknown may be a good one all the same. */
  missingPepper: () => Error | undefined
}

export interface KeyStep {
  /** Steps 4 and 5: looks the secret up, under every pepper. */
  find(visit: Visit, presented: PresentedSecret): Awaitable<Lookup<CompiledKey>>
  /** Step 6: whether what was found is a good key, here and now. Sets `visit.key`. */
  refuseKey(visit: Visit, found: Lookup<CompiledKey>): Refused | undefined
}

export function createKeyStep(options: KeyStepOptions, client: ClientOf, { refuse }: Refusals): KeyStep {
  const { cache, clock, environment } = options
  const [newestHasher, ...olderHashers] = options.hashers

  return {
    find(visit, presented) {
      const digest = newestHasher(presented)
      visit.at = clock.now()
      visit.waited = false
      const older =
        olderHashers.length === 0 ? undefined : () => olderHashers.map((hasher) => hasher(presented))
      const found = cache.find(digest, () => client.sourceOf(visit), visit.at, older)
      if (!(found instanceof Promise)) return found
      return found.then((key) => {
        // A deadline may have passed meanwhile.
        visit.at = clock.now()
        return key
      })
    },
    refuseKey(visit, found) {
      if (typeof found === 'string') {
        const missing = options.missingPepper()
        if (missing !== undefined) throw missing
        return refuse(visit, found === 'unknown' ? 'unknown_key' : found)
      }
      visit.keyId = found.id
      if (found.isRevoked) return refuse(visit, 'revoked_key')
      if (hasEnded(found, visit.at)) return refuse(visit, 'expired_key')
      if (found.verified.environment !== environment) return refuse(visit, 'wrong_environment')
      if (!isOfWorkspace(visit, found)) return refuse(visit, 'wrong_workspace')
      visit.key = found
      return undefined
    },
  }
}

/**
 * Whether the key may be used on a route of one workspace. A value that is not text, as from an application
 * that cannot tell, admits no key.
 * @throws ConfigError when a function returns what no workspace can be
 */
function isOfWorkspace({ request }: Visit, key: CompiledKey): boolean {
  if (!('workspace' in request)) return true
  const { workspace } = request
  const wanted = typeof workspace === 'function' ? textAnswer('workspace', workspace()) : workspace
  return typeof wanted === 'string' && wanted === key.verified.workspace
}

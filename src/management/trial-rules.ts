import type { WriteKey } from '../keys/key-record.ts'
import { updateKey } from '../keys/lifecycle.ts'
import type { Clock } from '../runtime/clock.ts'
import { KeyError } from '../runtime/errors.ts'
import { assertVersion } from './expected-version.ts'
import type { KeyChangeOptions, KeyChanges } from './key-changes.ts'
import type { PresentKey } from './present-key.ts'

export interface TrialRulesCalls {
  enforceTrial(id: string, change?: KeyChangeOptions): Promise<WriteKey>
  dropTrial(id: string, change?: KeyChangeOptions): Promise<WriteKey>
}

/**
 * Ends rules on trial: enforces or drops them. One change does both, so that no moment has both or neither.
 */
export function createTrialRules({
  clock,
  changes,
  present,
}: {
  clock: Clock
  changes: KeyChanges
  present: PresentKey
}): TrialRulesCalls {
  async function end(id: string, change: KeyChangeOptions, enforces: boolean): Promise<WriteKey> {
    const before = await changes.load(id)
    assertVersion(before, change.version)
    if (before.trial === null) {
      throw new KeyError('conflict', 'This key has no rules on trial.', { reason: 'no_trial' })
    }
    const after = updateKey(before, { ...(enforces && before.trial), trial: null }, clock.now())
    await changes.replace('update', change, before, after)
    return present(after)
  }
  return {
    enforceTrial: (id, change = {}) => end(id, change, true),
    dropTrial: (id, change = {}) => end(id, change, false),
  }
}

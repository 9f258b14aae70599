import type { ChangeBarrier } from '../cache/change-barrier.ts'
import { elapsedMs, readMoment } from '../cache/moment.ts'
import type { WriteKey } from '../keys/key-record.ts'
import { endGrace, parseGraceHours, rotateKey } from '../keys/lifecycle.ts'
import type { Clock } from '../runtime/clock.ts'
import type { CreatedKey } from './create-key.ts'
import type { Endings } from './endings.ts'
import { assertVersion } from './expected-version.ts'

import { asKeyId, type KeyChangeOptions, type KeyChanges } from './key-changes.ts'
import type { MakeSecret } from './new-secret.ts'
import type { PresentKey } from './present-key.ts'

export interface RotatedKey extends CreatedKey {
  /** When the earlier secrets stop being accepted. */
  graceExpiresAt: Date
}

export interface KeyRotation {
  rotate(id: string, change?: KeyChangeOptions & { gracePeriodHours?: number }): Promise<RotatedKey>
  endGrace(id: string, secretId: string, change?: KeyChangeOptions): Promise<WriteKey>
}

export function createKeyRotation({
  clock,
  changes,
  barrier,
  endings,
  makeSecret,
  present,
}: {
  clock: Clock
  changes: KeyChanges
  barrier: ChangeBarrier
  endings: Endings
  makeSecret: MakeSecret
  present: PresentKey
}): KeyRotation {
  return {
    async rotate(id, change = {}) {
      const graceMs = parseGraceHours(change.gracePeriodHours)
      const { environment } = await changes.load(id)
      const secret = await makeSecret(environment)
      return barrier.settle(async (attempt) => {
        const before = await changes.load(id)
        // Later attempts make a change again that the store has lost.
        if (attempt === 0) assertVersion(before, change.version)
        const began = readMoment(clock)
        const after = rotateKey(before, secret, graceMs, began.wall)
        const committed = await changes.replace('rotate', change, before, after)
        const graceExpiresAt = new Date(began.wall + graceMs)
        return {
          result: { writeKey: present(after), key: secret.secret, graceExpiresAt },
          change: committed,
          // A wall clock that is set back meanwhile makes no grace longer.
          harmlessForMs: graceMs - elapsedMs(began, clock.monotonic(), clock.now()),
        }
      })
    },

    async endGrace(id, secretId, change = {}) {
      const ended = await endings.end(asKeyId(id), change.version, async (before) => {
        if (before.secrets.some((secret) => secret.id === secretId)) {
          const after = endGrace(before, secretId, clock.now())
          const committed = await changes.replace('end_grace', change, before, after)
          return { result: { record: after, isNew: true }, change: committed }
        }
        const seen = await endings.see(before)
        const isEnded = seen.record?.secrets.every((secret) => secret.id !== secretId)
        return isEnded ? { result: { record: before, isNew: false }, change: seen.change } : undefined
      })
      // A secret that had ended before this call gives `not_found`, but only once that counts everywhere.
      if (!ended.isNew) endGrace(ended.record, secretId, clock.now())
      return present(ended.record)
    },
  }
}

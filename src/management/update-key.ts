import { changedFields } from '../keys/audit-entry.ts'
import { parseScalarFields, readKeyFields, type UpdateKeyInput } from '../keys/key-fields.ts'
import type { WriteKey } from '../keys/key-record.ts'
import { updateKey } from '../keys/lifecycle.ts'
import type { Clock } from '../runtime/clock.ts'
import { assertVersion } from './expected-version.ts'
import type { KeyChangeOptions, KeyChanges } from './key-changes.ts'
import type { ParseRules } from './parse-rules.ts'
import type { PresentKey } from './present-key.ts'

export interface KeyUpdate {
  update(id: string, changes: UpdateKeyInput, change?: KeyChangeOptions): Promise<WriteKey>
}

export function createKeyUpdate({
  clock,
  changes,
  parseRules,
  present,
}: {
  clock: Clock
  changes: KeyChanges
  parseRules: ParseRules
  present: PresentKey
}): KeyUpdate {
  return {
    async update(id, input, change = {}) {
      const now = clock.now()
      const fields = readKeyFields(input, 'update')
      const scalars = parseScalarFields(fields, 'update', now)
      const rules = await parseRules(fields)
      const before = await changes.load(id)
      assertVersion(before, change.version)
      const after = updateKey(before, { ...scalars, ...rules }, now)
      const { after: changed } = changedFields(before, after)
      // A form that is saved as it was, or a call that is repeated, must not look like a change to others.
      if (changed !== null && Object.keys(changed).length === 0) return present(before)
      await changes.replace('update', change, before, after)
      return present(after)
    },
  }
}

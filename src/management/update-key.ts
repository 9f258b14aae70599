import { parseScalarFields, type UpdateKeyInput } from '../keys/key-fields.ts'
import type { WriteKey } from '../keys/key-record.ts'
import { updateKey } from '../keys/lifecycle.ts'
import type { Clock } from '../runtime/clock.ts'
import { type ChangeOptions, type KeyChanges, versionConflict } from './key-changes.ts'
import type { ParseRules } from './parse-rules.ts'
import type { PresentKey } from './present-key.ts'

export interface KeyUpdate {
  update(
    id: string,
    changes: UpdateKeyInput,
    change?: ChangeOptions & { version?: number },
  ): Promise<WriteKey>
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
    async update(id, fields, change = {}) {
      const now = clock.now()
      const scalars = parseScalarFields(fields, 'update', now)
      const rules = await parseRules(fields as Record<string, unknown>)
      const before = await changes.load(id)
      if (change.version !== undefined && change.version !== before.version) throw versionConflict()
      const after = updateKey(before, { ...scalars, ...rules }, now)
      await changes.replace('update', change, before, after)
      return present(after)
    },
  }
}

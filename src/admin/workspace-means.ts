import type { CreateKeyInput } from '../keys/key-fields.ts'
import type { WriteKey } from '../keys/key-record.ts'
import { invalidField } from '../runtime/errors.ts'
import type { WriteKeys } from '../write-keys-interface.ts'

/** Creates the check that nobody of a workspace sets a plan, a workspace, or a rate above the plan's. */
export function createMeansCheck(keys: Pick<WriteKeys, 'plan'>) {
  return function assertOwnMeans(fields: Partial<CreateKeyInput>, before?: WriteKey, within = ''): void {
    for (const field of ['workspace', 'plan'] as const) {
      if (fields[field] !== undefined)
        throw invalidField(field, 'is not yours to set: ask whoever runs this service')
    }
    const plan = keys.plan(before?.plan ?? null)
    const { trial } = fields
    if (trial !== null && typeof trial === 'object') assertOwnMeans({ ...trial }, before, 'trial.')
    for (const field of ['rateLimitEps', 'senderRateLimitEps'] as const) {
      const most = plan[field]
      const asked = fields[field]
      if (typeof asked === 'number' && most !== null && asked > most && asked !== before?.[field])
        throw invalidField(`${within}${field}`, `must be at most ${most}, the rate of the plan`)
    }
  }
}

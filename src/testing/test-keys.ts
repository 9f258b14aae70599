import type { CreateKeyInput } from '../keys/key-fields.ts'
import type { Optional } from '../runtime/optional.ts'
import { createWriteKeys } from '../write-keys.ts'
import type { WriteKeys } from '../write-keys-interface.ts'
import type { WriteKeysOptions } from '../write-keys-options.ts'

/**
 * The options of `createWriteKeys` except the store: nothing outlives the test. `key`: fields of the key, all
 * optional.
 */
export interface TestKeysOptions extends Omit<WriteKeysOptions, 'store' | 'hints'> {
  key?: Optional<CreateKeyInput> | undefined
}

/** Write keys for a test, with one key in them. */
export interface TestKeys {
  /** For the guard: `writeKeyAuth(keys)`. */
  keys: WriteKeys
  /** The secret of the key, as a sender has it. */
  key: string
  /** Its id, for `keys.update(id, …)`, `keys.revoke(id)` and the like. */
  id: string
  /** What a sender sends as `Authorization`: `Basic …`. */
  authorization: string
}

/**
 * Write keys in memory with one key, for tests of an application's own handlers. The guard is the real one,
 * so a test gets its real answers. Logs nothing unless given a `logger`.
 *
 * @throws ConfigError, KeyError for a bad option or field.
 * @example
 * ```ts
 * const { keys, authorization } = await createTestKeys()
 * app.use('/v1', writeKeyAuth(keys))
 * await fetch(`${url}/v1/track`, { method: 'POST', headers: { authorization }, body: '{"type":"track","event":"Test"}' })
 * ```
 */
export async function createTestKeys({ key: fields, ...options }: TestKeysOptions = {}): Promise<TestKeys> {
  const keys = createWriteKeys({ logger: false, ...options })
  const { key, writeKey } = await keys.create({ name: 'Test', sourceType: 'other', ...fields })
  return { keys, key, id: writeKey.id, authorization: `Basic ${btoa(`${key}:`)}` }
}

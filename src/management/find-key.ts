import type { PepperCheck } from '../cache/pepper-check.ts'
import { parseWorkspace } from '../keys/field-parsers.ts'
import { newId } from '../keys/ids.ts'
import type { WriteKey } from '../keys/key-record.ts'
import type { SecretHashers } from '../keys/pepper-option.ts'
import { digestToHex } from '../keys/secret-hash.ts'
import { importedLength } from '../keys/secret-shape.ts'
import { describeValue } from '../runtime/config-error.ts'
import { invalidField } from '../runtime/errors.ts'
import type { KeyStore } from '../stores/key-store.ts'
import type { UsageRecorder } from '../usage/usage-recorder.ts'
import type { PresentKey } from './present-key.ts'

/** Which keys `find` looks among. */
export interface FindKeyQuery {
  /**
   * Only keys of this workspace; `null`: those of none. A secret of any other key is answered like an unknown
   * one, after the same questions to the store. `undefined` as a value is refused: it never means all.
   */
  workspace?: string | null
}

export interface KeyFinding {
  find(secret: string, query?: FindKeyQuery): Promise<WriteKey | undefined>
}

export function createKeyFinding({
  store,
  usage,
  hashers,
  peppers,
  present,
}: {
  store: KeyStore
  usage: Pick<UsageRecorder, 'flush'>
  hashers: SecretHashers
  peppers: Pick<PepperCheck, 'see' | 'missing'>
  present: PresentKey
}): KeyFinding {
  return {
    async find(secret, query = {}) {
      const workspace = 'workspace' in query ? parseWorkspace(query.workspace) : undefined
      // Such as a promise. Not taken for an unknown secret: who looks for a leaked one would read that it is nobody's.
      if (typeof secret === 'object' && secret !== null)
        throw invalidField('secret', `must be a text; received ${describeValue(secret)}`)
      if (typeof secret !== 'string' || secret.length > importedLength.most) return undefined
      await usage.flush()
      // All are asked in any case, and one key is read, so that time does not tell whose a secret is.
      let id: string | undefined
      for (const hasher of hashers) {
        const answer = await store.poll({ since: null, keyHash: digestToHex(hasher(secret)) })
        peppers.see(answer)
        id ??= answer.record?.id
      }
      // Read a second time, because some stores keep the last use apart.
      const record = await store.get(id ?? newId('key'))
      const key = record && present(record)
      if (key !== undefined && (workspace === undefined || key.workspace === workspace)) return key
      const missing = peppers.missing()
      if (missing !== undefined) throw missing
      return undefined
    },
  }
}

/** When a secret ended that no key has any more; `null`: no key had it, or the store does not know. */
export type FindEnding = (secret: string) => Promise<Date | null>

export function createEndingFinding(store: Pick<KeyStore, 'ended'>, hashers: SecretHashers): FindEnding {
  return async function findEnding(secret) {
    const hashes = hashers.map((hasher) => digestToHex(hasher(secret)))
    const [endedAt] = (await store.ended?.(hashes))?.values() ?? []
    return endedAt === undefined ? null : new Date(endedAt)
  }
}

import type { PepperCheck } from '../cache/pepper-check.ts'
import type { WriteKey } from '../keys/key-record.ts'
import type { SecretHashers } from '../keys/pepper.ts'
import { digestToHex } from '../keys/secret-hash.ts'
import { importedLength } from '../keys/secret-shape.ts'
import type { KeyStore } from '../stores/key-store.ts'
import type { UsageRecorder } from '../usage/usage-recorder.ts'
import type { PresentKey } from './present-key.ts'

export interface KeyFinding {
  find(secret: string): Promise<WriteKey | undefined>
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
    async find(secret) {
      if (typeof secret !== 'string' || secret.length > importedLength.most) return undefined
      await usage.flush()
      for (const hasher of hashers) {
        const answer = await store.poll({ since: null, keyHash: digestToHex(hasher(secret)) })
        peppers.see(answer)
        const { record } = answer
        // Read a second time, because some stores keep the last use apart.
        const current = record === undefined ? undefined : await store.get(record.id)
        if (current !== undefined) return present(current)
      }
      const missing = peppers.missing()
      if (missing !== undefined) throw missing
      return undefined
    },
  }
}

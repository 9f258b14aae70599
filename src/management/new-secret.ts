import type { PepperCheck } from '../cache/pepper-check.ts'
import type { NewSecret } from '../keys/lifecycle.ts'
import type { SecretHashers } from '../keys/pepper-option.ts'
import { generateSecret } from '../keys/secret.ts'
import { digestToHex } from '../keys/secret-hash.ts'

/**
 * Makes a secret for a key of an environment. @throws StoreError `pepper_missing` when no other process would
 * accept it.
 */
export type MakeSecret = (environment: string) => Promise<NewSecret>

export function createSecretMaker({
  keyPrefixFor,
  hashers: [newestHasher],
  peppers,
}: {
  keyPrefixFor: (environment: string) => string
  hashers: SecretHashers
  peppers: Pick<PepperCheck, 'claim'>
}): MakeSecret {
  return async (environment) => {
    await peppers.claim()
    const secret = generateSecret(keyPrefixFor(environment))
    return { secret, keyHash: digestToHex(newestHasher(secret)) }
  }
}

import type { NewSecret } from '../keys/lifecycle.ts'
import type { SecretHashers } from '../keys/pepper.ts'
import { digestToHex, generateSecret } from '../keys/secret.ts'

/** Makes a secret for a key of an environment. */
export type MakeSecret = (environment: string) => NewSecret

export function createSecretMaker({
  keyPrefixFor,
  hashers: [newestHasher],
}: {
  keyPrefixFor: (environment: string) => string
  hashers: SecretHashers
}): MakeSecret {
  return (environment) => {
    const secret = generateSecret(keyPrefixFor(environment))
    return { secret, keyHash: digestToHex(newestHasher(secret)) }
  }
}

import { nodeCrypto } from '../runtime/built-ins.ts'
import type { PresentedSecret } from './secret.ts'

/**
 * Turns presented secrets into a digest: 32 bytes, one UTF-16 code unit (below 256) each. The hash function
 * returns that form fastest. Stores hold it as hex, see `digestToHex`.
 */
export type SecretHasher = (secret: PresentedSecret) => string

/**
 * @param pepper `null`: plain SHA-256. A string: HMAC-SHA-256, so that a stolen database alone is useless for
 * checking guesses.
 */
export function createSecretHasher(pepper: string | null): SecretHasher {
  const { createHmac, hash } = nodeCrypto()
  if (pepper === null) return (secret) => hash('sha256', secret, 'binary')
  return (secret) => createHmac('sha256', pepper).update(secret).digest('binary')
}

/** A digest as stores hold it: lower-case hex. */
export function digestToHex(digest: string): string {
  return Buffer.from(digest, 'latin1').toString('hex')
}

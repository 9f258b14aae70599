import { invalidField } from '../runtime/errors.ts'
import type { ImportedSecret } from './lifecycle.ts'
import { type SecretHashers, takesPlainHashes } from './pepper-option.ts'
import { isWellFormedSecret, type PresentedSecret, startsWith } from './secret.ts'
import { digestToHex } from './secret-hash.ts'
import { importedLength, type SecretShape } from './secret-shape.ts'

/** Which secrets may be presented and imported. */
export interface SecretRules {
  /**
   * The prefixes of this installation's own secrets. A secret that begins with one is judged by its checksum
   * alone.
   */
  ownPrefix: string
  /** `importedKeys`; undefined = only secrets of our own shape. */
  importedShape: SecretShape | undefined
  /** Whether senders may have the key in the path, where some characters have another meaning. */
  secretsInPaths: boolean
  /** Newest first. */
  hashers: SecretHashers
}

/**
 * Whether a presented secret has an acceptable shape: ours with its checksum, or that of `importedKeys`. No
 * hash, no I/O.
 */
export function createSecretTest({
  ownPrefix,
  importedShape,
}: Pick<SecretRules, 'ownPrefix' | 'importedShape'>): (presented: PresentedSecret) => boolean {
  if (importedShape === undefined) return isWellFormedSecret
  return (presented) =>
    isWellFormedSecret(presented) || (!startsWith(presented, ownPrefix) && importedShape.matches(presented))
}

/** A secret to be imported. */
export interface ParsedSecret extends ImportedSecret {
  /** Its digests under all peppers, as hex, newest first: it may be stored under an older one. */
  readonly hashes: readonly string[]
  /** Whether it was given as a hash, so that its shape is unknown. */
  readonly isHashed: boolean
}

/** Visible ASCII without the colon, which would end the user name of a Basic credential. */
const visible = /^[\x21-\x39\x3b-\x7e]*$/
const notInPaths = /[/;#\\?%]/

/** @throws KeyError `invalid_field` naming `key` or `keyHash`; never quotes either. */
export function parseImportedSecret(
  { key, keyHash }: { readonly key?: unknown; readonly keyHash?: unknown },
  rules: SecretRules & { prefixOfEnvironment: string },
): ParsedSecret {
  if (key !== undefined && keyHash !== undefined)
    throw invalidField('keyHash', 'must not stand beside key: give one of them')
  if (keyHash !== undefined) return parseHash(keyHash, rules)
  const secret = parseSecret(key, rules)
  const hashes = rules.hashers.map((hasher) => digestToHex(hasher(secret))) as [string, ...string[]]
  return { keyHash: hashes[0], start: startOfImported(secret), imported: true, hashes, isHashed: false }
}

function parseSecret(key: unknown, rules: SecretRules & { prefixOfEnvironment: string }): string {
  const { least, most } = importedLength
  if (key === undefined) throw invalidField('key', 'is required, or keyHash: the secret that senders have')
  if (typeof key !== 'string' || key.length < least || key.length > most)
    throw invalidField('key', `must be a string of ${least} to ${most} characters`)
  if (!visible.test(key)) throw invalidField('key', 'must have visible ASCII characters only, and no colon')
  if (rules.secretsInPaths && notInPaths.test(key))
    throw invalidField('key', 'must have none of / ; # \\ ? % as senders may have it in a path')
  if (isWellFormedSecret(key)) return key
  if ([rules.ownPrefix, rules.prefixOfEnvironment].some((prefix) => key.startsWith(prefix)))
    throw invalidField(
      'key',
      'begins as the secrets made here do, but its checksum is wrong: a character is missing or mistyped',
    )
  if (rules.importedShape === undefined)
    throw invalidField(
      'key',
      'was not made by writekey: set the option importedKeys to the shape of such secrets',
    )
  if (!rules.importedShape.matches(key)) throw invalidField('key', 'does not match the option importedKeys')
  return key
}

function parseHash(keyHash: unknown, { hashers }: SecretRules): ParsedSecret {
  if (typeof keyHash !== 'string' || !/^[0-9A-Fa-f]{64}$/.test(keyHash))
    throw invalidField('keyHash', 'must be a SHA-256 in 64 hex digits')
  if (!takesPlainHashes(hashers))
    throw invalidField(
      'keyHash',
      'is of no use with a pepper, which changes every hash: give the secret in the clear as key, or end the pepper list with null',
    )
  const hash = keyHash.toLowerCase()
  return { keyHash: hash, start: '', imported: true, hashes: [hash], isHashed: true }
}

/** What lists show of an imported secret: a quarter of it, so that a short one cannot be guessed from it. */
function startOfImported(secret: string): string {
  return secret.slice(0, Math.min(12, secret.length >> 2))
}

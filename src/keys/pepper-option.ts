import { nodeCrypto } from '../runtime/built-ins.ts'
import { badOption, ConfigError } from '../runtime/config-error.ts'
import type { OptionReader } from '../runtime/options.ts'
import { createSecretHasher, digestToHex, type SecretHasher } from './secret-hash.ts'

/** What secrets are hashed with, newest first; `null` stands for plain SHA-256. */
export type SecretHashers = readonly [SecretHasher, ...SecretHasher[]]

/** Keys carry 190 random bits of their own. This only catches an empty or placeholder value. */
const minLength = 8

/**
 * The option `pepper`. A value of `undefined`, as from an unset environment variable, is refused: without it
 * new keys would be hashed plainly, and nobody would notice.
 */
export const pepperOption: OptionReader<SecretHashers> = (value, option, isGiven) => {
  if (value === null || (value === undefined && isGiven !== true)) return [createSecretHasher(null)]
  if (!Array.isArray(value)) return [createSecretHasher(readPepper(value, option))]
  const [newest, ...older] = Array.from(value, (entry: unknown, index) => {
    const isLast = index > 0 && index === value.length - 1
    return createSecretHasher(entry === null && isLast ? null : readPepper(entry, `${option}[${index}]`))
  })
  if (newest !== undefined) return [newest, ...older]
  throw badOption(option, value, 'a string, or a list with at least one; null means none on purpose')
}

const fingerprintText = 'fingerprint of a pepper'
const fingerprintDigits = 4

/**
 * Tells peppers apart without revealing them: the first 16 bits of a fixed text's digest, in hex. Too few to
 * confirm a guess at a short pepper; enough that two peppers differ, except once in 65 536.
 */
export function fingerprintOf(hasher: SecretHasher): string {
  return digestToHex(hasher(fingerprintText)).slice(0, fingerprintDigits)
}

/** The fingerprint of no pepper. */
export function plainFingerprint(): string {
  return fingerprintOf(createSecretHasher(null))
}

/** Whether plain SHA-256 hashes are accepted: without a pepper, or with a `null` at the end of the list. */
export function takesPlainHashes(hashers: SecretHashers): boolean {
  const text = 'any text'
  const plain = nodeCrypto().hash('sha256', text, 'binary')
  return hashers.some((hasher) => hasher(text) === plain)
}

/** What is left of a variable that nobody has set, or filled in. */
const placeholder = /^(?:undefined|\s*|\$\{.*\}|\[object \w+\])$/

function readPepper(value: unknown, option: string): string {
  if (typeof value === 'string' && value.length >= minLength) {
    if (!placeholder.test(value)) return value
    throw new ConfigError(option, `${option} is a placeholder or blank: is its environment variable set?`)
  }
  throw badOption(option, value, `a string of at least ${minLength} characters, or null for none on purpose`)
}

/**
 * Reads the option `pepper` from a text, such as an environment variable, as the command `writekey` does.
 *
 * @param text one pepper; several, newest first, separated by commas; or, where a pepper has a comma, a list in
 * JSON. `null` at the end of a list accepts keys from before peppers.
 * @throws ConfigError when it begins with `[` and is no list in JSON; `createWriteKeys` checks the rest.
 * @example
 * ```ts
 * const { WRITEKEY_PEPPER } = process.env
 * const pepper = WRITEKEY_PEPPER === undefined ? null : parsePeppers(WRITEKEY_PEPPER)
 * ```
 */
export function parsePeppers(text: string): string | (string | null)[] {
  if (typeof text !== 'string')
    throw badOption('pepper', text, 'a text, such as that of an environment variable that is set')
  if (text.startsWith('[')) return parsePepperList(text)
  const parts = text.split(',').map((part) => part.trim())
  return parts.length === 1 ? text : parts.map((part) => (part === 'null' ? null : part))
}

function parsePepperList(text: string): (string | null)[] {
  try {
    const list: unknown = JSON.parse(text)
    if (Array.isArray(list)) return list
  } catch {}
  throw new ConfigError(
    'pepper',
    'pepper begins with [ but is not a list in JSON, e.g. ["newest","older",null]',
  )
}

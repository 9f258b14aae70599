import { createHmac, hash } from 'node:crypto'
import { base62Alphabet, randomBase62, toBase62 } from './base62.ts'

const randomLength = 32
const checksumLength = 6
const startLength = 12
/** Longest secret that is looked at: a prefix of 32 characters, the random part and the checksum. */
const maxLength = 32 + randomLength + checksumLength

/** Prefixes that `keyPrefix` may have: they survive a double click, a URL and a Basic credential unchanged. */
export const keyPrefixPattern = /^[A-Za-z][A-Za-z0-9_-]{0,31}$/

/**
 * A new secret: `prefix`, 32 base62 characters from a CSPRNG (190 bits), 6 base62 characters of CRC-32 over what
 * precedes. The checksum is public: it stops typing errors and junk before any store is asked, not an attacker.
 */
export function generateSecret(prefix: string): string {
  const body = prefix + randomBase62(randomLength)
  return body + toBase62(crc32(body, body.length), checksumLength)
}

/**
 * What was presented as a secret: text, or its bytes. Bytes take 0.3 µs less to check and hash than the text made of
 * them, out of 3 µs for a verification.
 */
export type PresentedSecret = string | Uint8Array

/**
 * Whether this has the shape of a secret, of whatever prefix, and its checksum is right. Costs no hash and no I/O:
 * one pass checks the alphabet and sums up.
 */
export function isWellFormedSecret(presented: PresentedSecret): boolean {
  if (presented.length > maxLength) return false
  const bytes = typeof presented === 'string' ? Buffer.from(presented) : presented
  const bodyLength = bytes.length - checksumLength
  if (bodyLength <= randomLength) return false
  let crc = -1
  for (let index = 0; index < bodyLength; index++) {
    const code = bytes[index] as number
    if (keyCharacters[code] !== 1) return false
    crc = (crc >>> 8) ^ (crcTable[(crc ^ code) & 0xff] as number)
  }
  return checksumMatches(bytes, bodyLength, (crc ^ -1) >>> 0)
}

/** What lists show of a secret: its first 12 characters. */
export function secretStart(secret: string): string {
  return secret.slice(0, startLength)
}

/**
 * Turns presented secrets into a digest: 32 bytes, one UTF-16 code unit (below 256) each. That spelling is what the hash
 * function makes fastest; stores hold it as hex, see `digestToHex`.
 */
export type SecretHasher = (secret: PresentedSecret) => string

/** @param pepper `null`: plain SHA-256. A string: HMAC-SHA-256, so that a stolen database alone proves nothing. */
export function createSecretHasher(pepper: string | null): SecretHasher {
  if (pepper === null) return (secret) => hash('sha256', secret, 'binary')
  return (secret) => createHmac('sha256', pepper).update(secret).digest('binary')
}

/** A digest as stores hold it: lower-case hex. */
export function digestToHex(digest: string): string {
  return Buffer.from(digest, 'latin1').toString('hex')
}

/** 1 for the ASCII characters that a secret may have. A table, as comparing ranges took twice the time. */
const keyCharacters = new Uint8Array(256)
for (const character of `${base62Alphabet}_-`) keyCharacters[character.charCodeAt(0)] = 1

function checksumMatches(bytes: Uint8Array, bodyLength: number, checksum: number): boolean {
  let rest = checksum
  for (let index = bytes.length - 1; index >= bodyLength; index--) {
    if (bytes[index] !== base62Codes[rest % 62]) return false
    rest = Math.floor(rest / 62)
  }
  return rest === 0
}

const base62Codes = Uint8Array.from(base62Alphabet, (character) => character.charCodeAt(0))

const crcTable = Int32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1
  return value
})

/** CRC-32 (ISO-HDLC, as in gzip and PNG) of the first `length` characters of an ASCII text. */
export function crc32(text: string, length: number): number {
  let crc = -1
  for (let index = 0; index < length; index++) {
    crc = (crc >>> 8) ^ (crcTable[(crc ^ text.charCodeAt(index)) & 0xff] as number)
  }
  return (crc ^ -1) >>> 0
}

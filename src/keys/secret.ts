import { createHmac, hash } from 'node:crypto'
import { randomBase62, toBase62 } from './base62.ts'

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

/** Whether the text has the shape of a secret, of whatever prefix, and its checksum is right. Costs no hash and no I/O. */
export function isWellFormedSecret(text: string): boolean {
  const bodyLength = text.length - checksumLength
  if (bodyLength <= randomLength || text.length > maxLength) return false
  for (let index = 0; index < text.length; index++) {
    if (!isKeyCharacter(text.charCodeAt(index))) return false
  }
  return checksumMatches(text, bodyLength)
}

/** What lists show of a secret: its first 12 characters. */
export function secretStart(secret: string): string {
  return secret.slice(0, startLength)
}

/**
 * Turns presented secrets into what the store holds: 32 bytes as lower-case hex. One function per accepted pepper,
 * newest first; the first one is used for new secrets.
 */
export type SecretHasher = (secret: string) => string

/** @param pepper `null`: plain SHA-256. A string: HMAC-SHA-256, so that a stolen database alone proves nothing. */
export function createSecretHasher(pepper: string | null): SecretHasher {
  if (pepper === null) return sha256
  return (secret) => createHmac('sha256', pepper).update(secret).digest('hex')
}

function sha256(secret: string): string {
  return hash('sha256', secret, 'hex')
}

function isKeyCharacter(code: number): boolean {
  return (
    (code >= 97 && code <= 122) ||
    (code >= 48 && code <= 57) ||
    (code >= 65 && code <= 90) ||
    code === 95 ||
    code === 45
  )
}

function checksumMatches(text: string, bodyLength: number): boolean {
  let rest = crc32(text, bodyLength)
  for (let index = text.length - 1; index >= bodyLength; index--) {
    if (base62Value(text.charCodeAt(index)) !== rest % 62) return false
    rest = Math.floor(rest / 62)
  }
  return rest === 0
}

function base62Value(code: number): number {
  if (code <= 57) return code - 48
  if (code <= 90) return code - 55
  return code - 61
}

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1
  return value
})

/** CRC-32 (ISO-HDLC, as in gzip and PNG) of the first `length` characters of an ASCII text. */
export function crc32(text: string, length: number): number {
  let crc = 0xffffffff
  for (let index = 0; index < length; index++) {
    crc = (crc >>> 8) ^ (crcTable[(crc ^ text.charCodeAt(index)) & 0xff] as number)
  }
  return (crc ^ 0xffffffff) >>> 0
}

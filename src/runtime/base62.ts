import { nodeCrypto } from './built-ins.ts'

/** The digits of base62, in ASCII order. */
export const base62Alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/**
 * Bytes from here up are thrown away: 248 is the largest multiple of 62 in a byte, so every character is
 * equally likely.
 */
const unbiasedLimit = 248

/** `length` characters of `0-9A-Za-z` from the system's CSPRNG, uniformly distributed (5.95 bits each). */
export function randomBase62(length: number): string {
  const { randomBytes } = nodeCrypto()
  let text = ''
  while (text.length < length) {
    for (const byte of randomBytes(length - text.length + 8)) {
      if (byte < unbiasedLimit && text.length < length) text += base62Alphabet[byte % 62]
    }
  }
  return text
}

/** A whole number below 62^length as exactly `length` characters, most significant first. */
export function toBase62(value: number, length: number): string {
  let text = ''
  let rest = value
  for (let position = 0; position < length; position++) {
    text = base62Alphabet[rest % 62] + text
    rest = Math.floor(rest / 62)
  }
  return text
}

/** RFC 1952, 2.3.1. No text begins like that. */
export function beginsAsGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b
}

/** Whether a text may be what compressed bytes look like in UTF-8 or Latin-1. */
export function isGarbled(text: string): boolean {
  return !/^\s*[[{]/.test(text) && /[^\P{Cc}\t\n\r]|\ufffd/u.test(text)
}

const UTF8_BOM = [0xef, 0xbb, 0xbf]
const WHITESPACE = new Set([0x20, 0x09, 0x0a, 0x0d])
const OPENING_BRACKETS = new Set([0x7b, 0x5b])

/** Whether bytes begin like a JSON object or list. */
export function looksLikeJson(bytes: Uint8Array): boolean {
  let start = UTF8_BOM.every((byte, i) => bytes[i] === byte) ? UTF8_BOM.length : 0
  while (WHITESPACE.has(bytes[start] ?? 0)) start++
  return OPENING_BRACKETS.has(bytes[start] ?? 0)
}

import { toBase62 } from '../runtime/base62.ts'
import { nodeCrypto } from '../runtime/built-ins.ts'

const maxAboutLength = 2_000

/** 16 letters and digits, the same in every process for the same texts. */
export function toSightingId(parts: readonly unknown[]): string {
  const hash = nodeCrypto().createHash('sha256').update(JSON.stringify(parts)).digest()
  const half = (at: number) => toBase62(hash.readUIntBE(at, 6) % 62 ** 8, 8)
  return half(0) + half(6)
}

/** JSON in ASCII, which every database can hold whatever its character set. */
export function toAsciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[^\x20-\x7e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** What a sighting is about; without its lists when it is too long. */
export function toAbout(about: Readonly<Record<string, unknown>>): string {
  const text = toAsciiJson(about)
  if (text.length <= maxAboutLength) return text
  const { names: _names, types: _types, ...short } = about
  const shorter = toAsciiJson(short)
  return shorter.length <= maxAboutLength ? shorter : '{}'
}

/** Another process wrote it, perhaps of another version. */
export function parseAbout(text: string): Readonly<Record<string, unknown>> {
  try {
    const about: unknown = JSON.parse(text)
    return typeof about === 'object' && about !== null ? (about as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

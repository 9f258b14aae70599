import type { IncomingHttpHeaders } from 'node:http'
import { isGarbled } from './body-signs.ts'

/**
 * Whether an object is what a form parser made of a body: by its names, as a parser that takes any type cuts JSON at `&`, `=` and
 * brackets; or because the body was too short to be this object as JSON, and long enough to be it as a form. Lengths are asked only
 * where no JSON parser reads by itself, or where the object looks like nothing that was sent: others may have added to it.
 */
export function isFormObject(body: unknown, headers: IncomingHttpHeaders): boolean {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return false
  if (isSplitText(body)) return true
  const length = Number(headers['content-length'] ?? Number.NaN)
  if (Number.isNaN(length) || headers['content-encoding'] !== undefined) return false
  if (!isUntyped(headers['content-type']) && !isOneName(body) && !isGarbled(Object.keys(body)[0] ?? ''))
    return false
  const lengths = lengthsOf(body)
  if (lengths === undefined || lengths.form > length || length >= lengths.json) return false
  return !isJsonWithMore(body, length)
}

/** Whether members were added to JSON of this length: those in front of them are all of it. */
function isJsonWithMore(body: object, length: number): boolean {
  let sent = 1
  return Object.entries(body).some(([name, value]) => {
    // A brace less, and a comma or the other brace more.
    sent += Buffer.byteLength(JSON.stringify({ [name]: value })) - 1
    return sent === length
  })
}

/** A name then begins like JSON, or the blanks in front of a list are a name. */
export function isSplitText(body: object): boolean {
  return Object.entries(body).some(([name, value]) => {
    if (typeof value !== 'string' && (typeof value !== 'object' || value === null)) return false
    return /^\s*[[{]/.test(name) || (/^\s+$/.test(name) && typeof value === 'object' && isSplitText(value))
  })
}

/** What browsers send where the page names no type, and requests without one. */
function isUntyped(contentType = ''): boolean {
  return /^(?:text\/plain)?\s*(?:;|$)/i.test(contentType.trim())
}

/** The whole body became one name, and brackets in it names within. */
function isOneName(body: object): boolean {
  let value: unknown = body
  while (typeof value === 'object' && value !== null) {
    const [first, ...more] = Object.values(value)
    if (more.length > 0) return false
    value = first
  }
  return value === ''
}

/** Least bytes of an object as JSON and as a form. Undefined where it holds no text, or what no form does: numbers, truth values, null. */
function lengthsOf(body: object): { json: number; form: number } | undefined {
  // Leaves are joined by `&`.
  let form = -1
  function jsonOf(value: unknown, root: string): number {
    if (typeof value === 'string') {
      form += 1 + root.length + (value === '' ? 0 : 1 + value.length)
      return jsonBytes(value)
    }
    if (typeof value !== 'object' || value === null) return Number.NaN
    const isList = Array.isArray(value)
    const members = Object.entries(value).map(
      ([name, member]) => (isList ? 0 : jsonBytes(name) + 1) + jsonOf(member, root === '' ? name : root),
    )
    return members.reduce((sum, bytes) => sum + bytes + 1, members.length === 0 ? 2 : 1)
  }
  const json = jsonOf(body, '')
  return Number.isNaN(json) || form < 0 ? undefined : { json, form }
}

/** Least bytes of a text in JSON, in any coding of characters. A replacement character may stand for one byte. */
function jsonBytes(text: string): number {
  const count = (pattern: RegExp) => text.match(pattern)?.length ?? 0
  // biome-ignore lint/suspicious/noControlCharactersInRegex: JSON escapes them
  const escapes = count(/["\\\b\t\n\f\r]/g) + 5 * count(/[\x00-\x07\x0b\x0e-\x1f]/g)
  return 2 + text.length + escapes + count(/[\u0100-\ufffc\ufffe\uffff]/g)
}

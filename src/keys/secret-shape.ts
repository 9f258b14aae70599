import { badOption, ConfigError } from '../runtime/config-error.ts'
import type { OptionReader } from '../runtime/options.ts'
import type { PresentedSecret } from './secret.ts'

/** Lengths that an imported secret may have, in characters. */
export const importedLength = { least: 16, most: 256 } as const

/** The shape of imported secrets. */
export interface SecretShape {
  /** Takes time in proportion to the length, whatever the shape. */
  matches(presented: PresentedSecret): boolean
}

/** One character or class with its count. */
interface Part {
  /** For each byte, 1 when it may stand here. */
  readonly allowed: Uint8Array
  readonly min: number
  readonly max: number
}

const expected =
  'a regular expression of characters and classes with counts, from ^ to $, e.g. /^[A-Za-z0-9]{32}$/'

/**
 * The option `importedKeys`. The expression is parsed here and matched by our own code. An engine that
 * backtracks can take minutes for one request with expressions that people really write.
 */
export const importedKeysOption: OptionReader<SecretShape | undefined> = (value, option) => {
  if (value === undefined) return undefined
  if (Object.prototype.toString.call(value) !== '[object RegExp]') throw badOption(option, value, expected)
  const { source, flags } = value as RegExp
  const refuse = (problem: string) => new ConfigError(option, `${option} must be ${expected}; ${problem}.`)
  if (flags.replace('u', '') !== '') throw refuse(`this one has flags other than u`)
  const parts = parseShape(source, refuse)
  const shortest = sum(parts, 'min')
  const longest = sum(parts, 'max')
  if (longest < importedLength.least || shortest > importedLength.most) {
    throw refuse(
      `no secret of ${importedLength.least} to ${importedLength.most} characters can match this one`,
    )
  }
  return createMatcher(
    parts,
    Math.max(shortest, importedLength.least),
    Math.min(longest, importedLength.most),
  )
}

type Refuse = (problem: string) => ConfigError

function parseShape(source: string, refuse: Refuse): Part[] {
  if (source.length > 1_000) throw refuse('this one is longer than 1000 characters')
  if (!source.startsWith('^')) throw refuse('this one does not begin with ^')
  if (!source.endsWith('$') || /[^\\](?:\\\\)*\\\$$/.test(source))
    throw refuse('this one does not end with $')
  const text = source.slice(1, -1)
  const parts: Part[] = []
  for (let at = 0; at < text.length; ) {
    const atom = text[at] === '[' ? readClass(text, at, refuse) : readCharacter(text, at, refuse)
    const count = readCount(text, atom.end)
    parts.push({ allowed: usable(atom.allowed, refuse), min: count.min, max: count.max })
    at = count.end
  }
  return parts
}

interface Atom {
  readonly allowed: Uint8Array
  readonly end: number
}

/** One character that stands for itself, or an escape. */
function readCharacter(text: string, at: number, refuse: Refuse): Atom {
  const character = text[at] as string
  if (character === '\\') return readEscape(text, at, refuse)
  if ('()|'.includes(character)) throw refuse('this one has a group or an alternative')
  if (character === '.')
    throw refuse('this one has a dot: write \\. for a dot, or a class such as [A-Za-z0-9]')
  if ('^$*+?{}]'.includes(character)) throw refuse(`this one has a ${character} in an unexpected place`)
  return { allowed: only(character), end: at + 1 }
}

function readEscape(text: string, at: number, refuse: Refuse): Atom {
  const character = text[at + 1] ?? ''
  const end = at + 2
  if (character === 'd') return { allowed: only(digits), end }
  if (character === 'w') return { allowed: only(`${digits}${letters}_`), end }
  if (/[^0-9A-Za-z]/.test(character)) return { allowed: only(character), end }
  throw refuse('this one has an escape other than \\d, \\w and that of a punctuation mark')
}

function readClass(text: string, from: number, refuse: Refuse): Atom {
  const isNegated = text[from + 1] === '^'
  const named = new Uint8Array(256)
  let at = from + (isNegated ? 2 : 1)
  while (text[at] !== ']') {
    const first = readMember(text, at, refuse)
    at = first.end
    if (text[at] !== '-' || text[at + 1] === ']') {
      merge(named, first.allowed)
      continue
    }
    const last = readMember(text, at + 1, refuse)
    const [low, high] = [first.allowed, last.allowed].map((allowed) => allowed.indexOf(1))
    if (isWide(first.allowed) || isWide(last.allowed))
      throw refuse('this one has a range that ends in a class')
    named.fill(1, low, (high as number) + 1)
    at = last.end
  }
  return { allowed: isNegated ? named.map((is) => 1 - is) : named, end: at + 1 }
}

function readMember(text: string, at: number, refuse: Refuse): Atom {
  return text[at] === '\\' ? readEscape(text, at, refuse) : { allowed: only(text[at] as string), end: at + 1 }
}

function readCount(text: string, at: number): { min: number; max: number; end: number } {
  const { most } = importedLength
  const sign = text[at]
  if (sign === '?') return { min: 0, max: 1, end: at + 1 }
  if (sign === '*') return { min: 0, max: most, end: at + 1 }
  if (sign === '+') return { min: 1, max: most, end: at + 1 }
  const braces = /^\{(\d+)(,?)(\d*)\}/.exec(text.slice(at, at + 40))
  if (braces === null) return { min: 1, max: 1, end: at }
  const min = Number(braces[1])
  const max = braces[2] === '' ? min : braces[3] === '' ? Math.max(min, most) : Number(braces[3])
  return { min, max, end: at + braces[0].length }
}

const digits = '0123456789'
const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const firstVisible = 0x21
const lastVisible = 0x7e
const colon = 0x3a

function only(characters: string): Uint8Array {
  const allowed = new Uint8Array(256)
  // What is written behind the end is nowhere.
  for (const character of characters) allowed[character.charCodeAt(0)] = 1
  return allowed
}

function merge(into: Uint8Array, from: Uint8Array): void {
  for (let code = 0; code < 256; code++) into[code] = (into[code] as number) | (from[code] as number)
}

function isWide(allowed: Uint8Array): boolean {
  return allowed.indexOf(1) !== allowed.lastIndexOf(1)
}

/** Visible ASCII without the colon, which would end the user name of a Basic credential. */
function usable(allowed: Uint8Array, refuse: Refuse): Uint8Array {
  const kept = allowed.map((is, code) =>
    code >= firstVisible && code <= lastVisible && code !== colon ? is : 0,
  )
  if (kept.includes(1)) return kept
  throw refuse(
    'this one asks for a character that no secret may hold: those are visible ASCII without the colon',
  )
}

function sum(parts: readonly Part[], bound: 'min' | 'max'): number {
  return parts.reduce((total, part) => total + part[bound], 0)
}

function createMatcher(parts: readonly Part[], shortest: number, longest: number): SecretShape {
  const isOpen = ({ min, max }: Part) => min !== max
  const firstOpen = Math.max(parts.findIndex(isOpen), 0)
  const openEnd = parts.findLastIndex(isOpen) + 1
  const front = parts.slice(0, firstOpen)
  const open = parts.slice(firstOpen, openEnd)
  const back = parts.slice(openEnd)
  const openFrom = sum(front, 'min')
  const backLength = sum(back, 'min')

  return {
    matches(presented) {
      const { length } = presented
      if (length < shortest || length > longest) return false
      const bytes = typeof presented === 'string' ? Buffer.from(presented) : presented
      if (bytes.length !== length) return false
      const openTo = length - backLength
      if (!matchFixed(front, bytes, 0) || !matchFixed(back, bytes, openTo)) return false
      if (open.length > 1) return matchOpen(open, bytes, openFrom, openTo)
      const [part] = open
      // The length of the whole says that the count of a single part is right.
      return part === undefined || isRun(part, bytes, openFrom, openTo)
    },
  }
}

/** Matches parts of fixed length. */
function matchFixed(parts: readonly Part[], bytes: Uint8Array, from: number): boolean {
  let at = from
  for (const part of parts) {
    if (!isRun(part, bytes, at, at + part.min)) return false
    at += part.min
  }
  return true
}

function isRun({ allowed }: Part, bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (allowed[bytes[at] as number] !== 1) return false
  return true
}

/** Matches several parts of open length: follows all possible ends at once instead of backtracking. */
function matchOpen(parts: readonly Part[], bytes: Uint8Array, from: number, to: number): boolean {
  const length = to - from
  let reached = Uint8Array.of(1)
  for (const { allowed, min, max } of parts) {
    /**
     * Counts up where an end begins and down where it stops: the sum tells in how many ways a place is
     * reached.
     */
    const ends = new Int32Array(length + 2)
    let run = 0
    for (let at = length; at >= 0; at--) {
      run = at < length && allowed[bytes[from + at] as number] === 1 ? run + 1 : 0
      if (reached[at] !== 1 || run < min) continue
      ends[at + min] = (ends[at + min] as number) + 1
      const behind = at + Math.min(run, max) + 1
      ends[behind] = (ends[behind] as number) - 1
    }
    const next = new Uint8Array(length + 1)
    for (let at = 0, ways = 0; at <= length; at++) {
      ways += ends[at] as number
      next[at] = ways > 0 ? 1 : 0
    }
    reached = next
  }
  return reached[length] === 1
}

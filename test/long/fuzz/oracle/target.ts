import type { House } from './expectation.ts'

export interface Target {
  readonly path: string
  readonly query: string
  /** What the path says of all events, unless the route does; null = nothing. */
  readonly type: string | null
  readonly segments: readonly string[]
}

const names = ['track', 'identify', 'page', 'screen', 'group', 'alias']
const shortNames: Readonly<Record<string, string>> = {
  t: 'track',
  i: 'identify',
  p: 'page',
  s: 'screen',
  g: 'group',
  a: 'alias',
}

const toLowerAscii = (text: string) => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase())

/** All readings that the design leaves open; `invalid` = 400 `invalid_path`. */
export function readTarget(target: string, house: House): readonly (Target | 'invalid')[] {
  if (target.includes('#')) return ['invalid']
  const absolute = /^([^/]*):\/\/([^/?]*)(.*)$/.exec(target)
  let rest = target
  if (absolute !== null && !target.startsWith('/')) {
    const [, scheme = '', authority = '', behind = ''] = absolute
    if (!/^https?$/i.test(scheme) || !behind.startsWith('/')) return ['invalid']
    // A host of dots alone is none, and a router that takes the target for a path would resolve it.
    const isHost = /^[\w.\-:[\]]+$/.test(authority) && !/^\.{1,2}$/.test(authority)
    if (!isHost) return ['invalid', ...readPath(behind, house)]
    rest = behind
  }
  if (!rest.startsWith('/')) return ['invalid', ...readPath(rest, house)]
  return readPath(rest, house)
}

function readPath(text: string, house: House): readonly (Target | 'invalid')[] {
  const question = text.indexOf('?')
  const path = question === -1 ? text : text.slice(0, question)
  const query = question === -1 ? '' : text.slice(question + 1)
  if (/[\\;]|%(2f|5c|3b|00)/i.test(path)) return ['invalid']
  const decoded = decode(path)
  if (decoded === undefined) return ['invalid']
  const segments = decoded.split('/')
  if (segments.some((segment) => segment === '.' || segment === '..')) return ['invalid']
  const named = segments.filter((segment) => segment !== '')
  const last = named.at(-1) ?? ''
  const type = typeOf(last, house)
  // Bytes beyond ASCII, blanks and controls as they are: what a server in front makes of them is not said.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are meant
  const doubts = /[\x00-\x20\x7f-\xff]/.test(path) ? ['invalid' as const] : []
  // An escape of an escape of what is refused.
  if (/%25(2e|2f|5c|3b|00)/i.test(path)) doubts.push('invalid')
  const reading = { path, query, type: house.eventType === undefined ? type : null, segments: named }
  if (house.eventType !== undefined) {
    // Nothing is read off the path: whether odd spellings of a type matter then is not said.
    const isOdd = folds(last, house) || crowded(named, type, house)
    return isOdd ? [...doubts, 'invalid', reading] : [...doubts, reading]
  }
  if (crowded(named, type, house)) return ['invalid']
  if (type === null && last.normalize('NFKC') !== last && folds(last, house)) return ['invalid']
  if (type === null && caseFolds(last, house)) return ['invalid']
  if (type === null && folds(last, house)) doubts.push('invalid')
  if (named.slice(-2).some((segment) => folds(segment, house) && typeOf(segment, house) === null))
    doubts.push('invalid')
  return [...doubts, reading]
}

function typeOf(segment: string, { eventTypes }: House): string | null {
  const lower = toLowerAscii(segment)
  if (names.includes(lower)) return lower
  if (Object.hasOwn(shortNames, lower)) return shortNames[lower] as string
  return eventTypes.find((type) => toLowerAscii(type) === lower) ?? null
}

/** Whether a type stands right behind a segment that spells out another one. */
function crowded(named: readonly string[], type: string | null, { eventTypes }: House): boolean {
  const before = toLowerAscii(named.at(-2) ?? '')
  const spelled = [...names, ...eventTypes.map(toLowerAscii)].includes(before)
  return type !== null && spelled && before !== toLowerAscii(type)
}

const allNames = ({ eventTypes }: House) => [
  ...names,
  ...Object.keys(shortNames),
  ...eventTypes,
  'batch',
  'b',
]

/** Whether other case alone makes it a name. */
function caseFolds(text: string, house: House): boolean {
  return [text.toLowerCase(), text.toUpperCase().toLowerCase()].some((folded) =>
    allNames(house).slice(0, -2).includes(folded),
  )
}

/** Whether any way of folding makes it a name, accents dropped too. */
function folds(text: string, house: House): boolean {
  if (/^[\0-\x7f]*$/.test(text)) return false
  const plain = text.normalize('NFKD').replace(/\p{M}/gu, '')
  return [text, plain].some((form) =>
    [form.toLowerCase(), form.toUpperCase().toLowerCase(), form.normalize('NFKC').toLowerCase()].some(
      (folded) => allNames(house).includes(folded),
    ),
  )
}

/** Percent-decoded, as UTF-8; undefined when it is none. */
function decode(text: string): string | undefined {
  if (/%(?![0-9A-Fa-f]{2})/.test(text)) return undefined
  const bytes = text.replace(/%(..)/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
      // biome-ignore lint/suspicious/noControlCharactersInRegex: what is not ASCII as it stands is judged as it stands
      Buffer.from(/[^\x00-\x7f]/.test(text) ? text : bytes, /[^\x00-\x7f]/.test(text) ? 'utf8' : 'latin1'),
    )
  } catch {
    return undefined
  }
}

/** Whether some router could take a target for one below `prefix` (`v1`), in however lenient a reading. */
export function couldBeBelow(target: string, prefix: string): boolean {
  const rest = /^[A-Za-z][\w+.-]*:\/\/[^/?#\\]*(.*)$/.exec(target)?.[1] ?? target
  const path = rest.split(/[?#]/)[0] as string
  const once = looselyDecoded(path)
  return [path, once, looselyDecoded(once)].some((text) => {
    const resolved: string[] = []
    for (const segment of (text.split(/[?#]/)[0] as string).replaceAll('\\', '/').split('/')) {
      const bare = (segment.split(';')[0] as string).toLowerCase()
      if (bare === '..') resolved.pop()
      else if (bare !== '' && bare !== '.') resolved.push(bare)
    }
    return resolved[0] === prefix
  })
}

const looselyDecoded = (text: string) =>
  text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))

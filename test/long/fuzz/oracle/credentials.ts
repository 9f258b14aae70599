import type { House, Place, Source } from './expectation.ts'
import type { Message } from './message.ts'
import type { Target } from './target.ts'

/** What one source holds. `none`: go on to the next; `bad`: refused. */
export type Found = 'none' | 'bad' | { readonly text: string; readonly place: Place }

const isOf = (source: Source, field: string) => typeof source === 'object' && Object.hasOwn(source, field)
export const isBodySource = (source: Source) => source === 'body' || isOf(source, 'body')
const isUrlSource = (source: Source) =>
  source === 'query' || (typeof source === 'object' && ('query' in source || 'path' in source))

/** What headers, path and query present, in all readings that are left open. */
export function findOutsideBody(message: Message, target: Target, { credentials }: House): readonly Found[] {
  const inHeaders = credentials.filter((source) => !isBodySource(source) && !isUrlSource(source))
  const inUrl = credentials.filter(isUrlSource)
  return firstOf([...inHeaders, ...inUrl].map((source) => () => lookInto(source, message, target)))
}

/** What the body presents. */
export function findInBody(root: unknown, { credentials }: House): readonly Found[] {
  return firstOf(
    credentials.filter(isBodySource).map((source) => () => {
      const property = typeof source === 'object' && 'body' in source ? source.body : 'writeKey'
      if (typeof root !== 'object' || root === null || Array.isArray(root)) return ['none']
      if (!Object.hasOwn(root, property)) return ['none']
      const value: unknown = Reflect.get(root, property)
      if (value === '') return ['none', 'bad']
      if (value === null) return ['none', 'bad']
      return typeof value === 'string' ? [{ text: value, place: 'body' }] : ['bad']
    }),
  )
}

function firstOf(looks: readonly (() => readonly Found[])[]): readonly Found[] {
  const [look, ...others] = looks
  if (look === undefined) return ['none']
  return look().flatMap((found) => (found === 'none' ? firstOf(others) : [found]))
}

function lookInto(source: Source, message: Message, target: Target): readonly Found[] {
  const all = (name: string) => message.fields.filter((field) => field[0] === name).map(([, value]) => value)
  if (source === 'basic' || source === 'bearer') return ofAuthorization(source, all('authorization'))
  if (source === 'header') return ofField(all('x-write-key'))
  if (source === 'query') return ofQuery(target.query, ['writeKey', 'writekey'])
  if (source === 'body' || 'body' in source) return ['none']
  if ('header' in source) return ofField(all(source.header.toLowerCase()))
  if ('query' in source) return ofQuery(target.query, [source.query])
  return ofPath(target, source.path)
}

function ofAuthorization(scheme: 'basic' | 'bearer', values: readonly string[]): readonly Found[] {
  if (values.length > 1) return ['bad']
  const value = values[0]
  if (value === undefined) return ['none']
  const space = value.indexOf(' ')
  const said = (space === -1 ? value : value.slice(0, space)).toLowerCase()
  const rest = space === -1 ? '' : value.slice(space).replace(/^ +/, '')
  // Nothing, a scheme alone, or a scheme with a tab behind it: whether that presents a key is not said.
  if (value === '' || (said === scheme && rest === '') || said.startsWith(`${scheme}\t`))
    return ['none', 'bad']
  if (said !== scheme) return ['none']
  if (scheme === 'bearer') return [{ text: rest, place: 'authorization' }]
  const bytes = decodeBase64(rest)
  const colon = bytes?.indexOf(':') ?? -1
  if (bytes === undefined || colon === -1 || colon !== bytes.length - 1) return ['bad']
  return colon === 0 ? ['none', 'bad'] : [{ text: bytes.slice(0, colon), place: 'authorization' }]
}

/** Canonical base64 only, with or without padding. */
function decodeBase64(text: string): string | undefined {
  if (text.length > 512 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined
  const bare = text.replace(/=+$/, '')
  if (bare !== text && text.length % 4 !== 0) return undefined
  const bytes = Buffer.from(bare, 'base64')
  return bytes.toString('base64').replace(/=+$/, '') === bare ? bytes.toString('latin1') : undefined
}

function ofField(values: readonly string[]): readonly Found[] {
  if (values.length > 1) return ['bad']
  if (values.length === 0) return ['none']
  return values[0] === '' ? ['none', 'bad'] : [{ text: values[0] as string, place: 'field' }]
}

function ofQuery(query: string, names: readonly string[]): readonly Found[] {
  const pairs = query.split('&').map((pair) => {
    const equals = pair.indexOf('=')
    return equals === -1 ? [pair, ''] : [pair.slice(0, equals), pair.slice(equals + 1)]
  })
  const values = pairs
    .filter(([name]) => names.includes(unescapeForm(name as string)))
    .map(([, value]) => value)
  if (values.length > 1) return ['bad']
  if (values.length === 0) return ['none']
  const text = unescapeForm(values[0] as string)
  return text === '' ? ['none', 'bad'] : [{ text, place: 'query' }]
}

function unescapeForm(text: string): string {
  const bytes = text
    .replaceAll('+', ' ')
    .replace(/%([0-9A-Fa-f]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))
  return Buffer.from(bytes, 'latin1').toString()
}

/** `/e/:key` at the end of the path. */
function ofPath({ path, segments }: Target, pattern: string): readonly Found[] {
  const words = pattern.split('/').filter((word) => word !== '')
  const tail = segments.slice(-words.length)
  if (tail.length < words.length) return ['none']
  const key = tail.at(-1) as string
  const before = words.slice(0, -1)
  const found: Found = { text: key, place: 'path' }
  if (!before.every((word, index) => word.toLowerCase() === tail[index]?.toLowerCase())) return ['none']
  // In another case, escaped, or with slashes too many: routers differ.
  const isPlain = path.endsWith(`/${[...before, key].join('/')}`)
  return isPlain ? [found] : ['none', 'bad', found]
}

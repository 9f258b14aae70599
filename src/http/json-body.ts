const utf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * Deepest nesting of objects and arrays. What handlers do with an event recurses: `JSON.stringify` runs out
 * of stack beyond 4 000 levels, `structuredClone` beyond 1 000.
 */
export const maxJsonDepth = 1_024
/** A shorter text cannot be too deep: each level takes two bytes. */
const leastDeepLength = 2 * maxJsonDepth

/** Objects and lists that a text may hold whatever its length, unless the caller says otherwise. */
const usualContainers = 10_000
/**
 * Events of real senders have 30 to 80 bytes for each object or list in them. `{},` has three: 4 MB of those
 * take 100 MB of heap and twenty times as long to parse, and are 4 KB when compressed.
 */
const bytesPerContainer = 20

/**
 * Parses a JSON text, whatever its Content-Type said. `undefined` when it is not acceptable JSON: empty,
 * malformed, not UTF-8 (RFC 8259, 8.1; guessing would change what the sender wrote), nested more than {@link
 * maxJsonDepth} levels deep, or made of little but objects and lists: more than `freeContainers` plus one for
 * each {@link bytesPerContainer} bytes. A byte order mark is skipped.
 *
 * Never throws. The parser's message quotes the input, so it is dropped.
 */
export function parseJsonBody(
  body: Uint8Array | string,
  freeContainers = usualContainers,
): { value: unknown } | undefined {
  if (body.length === 0) return undefined
  try {
    if (typeof body !== 'string' && !mayBeJson(body)) return undefined
    const text = typeof body === 'string' ? body : utf8.decode(body)
    if (isTooDense(text, freeContainers)) return undefined
    const value: unknown = JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text)
    return mayBeTooDeep(text.length) && isTooDeep(value) ? undefined : { value }
  } catch {
    return undefined
  }
}

const windows = 128
const windowLength = 64

function isTooDense(text: string, freeContainers: number): boolean {
  if (text.length < 2 * freeContainers) return false
  const most = freeContainers + text.length / bytesPerContainer
  return 2 * estimateContainers(text) > most && hasMoreContainers(text, most)
}

/**
 * Samples some pieces, in an order that no sender can know: counting all of a large text takes a tenth of the
 * time of parsing it.
 */
function estimateContainers(text: string): number {
  let found = 0
  const starts = Math.max(1, text.length - windowLength)
  for (let count = 0; count < windows; count++) {
    const start = Math.floor(Math.random() * starts)
    for (let index = start; index < start + windowLength; index++)
      if (isOpening(text.charCodeAt(index))) found++
  }
  return (found / (windows * windowLength)) * text.length
}

function hasMoreContainers(text: string, most: number): boolean {
  let left = most
  for (let index = 0; index < text.length; index++) {
    if (isOpening(text.charCodeAt(index)) && --left < 0) return true
  }
  return false
}

function isOpening(code: number): boolean {
  return code === 0x7b || code === 0x5b
}

/**
 * Rejects by first and last byte, so that a bomb of blanks or brackets is not turned into megabytes of text.
 */
function mayBeJson(bytes: Uint8Array): boolean {
  let start = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
  while (start < bytes.length && isBlank(bytes[start] as number)) start++
  let end = bytes.length - 1
  while (end > start && isBlank(bytes[end] as number)) end--
  return (
    start <= end && firstBytes.includes(bytes[start] as number) && lastBytes.includes(bytes[end] as number)
  )
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}

/** First bytes of a JSON value: RFC 8259, 3. */
const firstBytes = Buffer.from('{["-0123456789tfn', 'latin1')
const lastBytes = Buffer.from('}]"0123456789el', 'latin1')

/** Whether a text of this length can be nested too deep. Most events are too short. */
export function mayBeTooDeep(length: number): boolean {
  return length > leastDeepLength
}

/**
 * Whether a parsed value has more than {@link maxJsonDepth} levels. Takes a twentieth of the time of parsing;
 * looking at the text instead takes twice as long.
 */
export function isTooDeep(value: unknown): boolean {
  return exceedsDepth(value, maxJsonDepth)
}

function exceedsDepth(value: unknown, levelsLeft: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (levelsLeft === 0) return true
  if (Array.isArray(value)) {
    for (const item of value) {
      if (typeof item === 'object' && item !== null && exceedsDepth(item, levelsLeft - 1)) return true
    }
    return false
  }
  for (const name in value) {
    const member = (value as Record<string, unknown>)[name]
    if (typeof member === 'object' && member !== null && exceedsDepth(member, levelsLeft - 1)) return true
  }
  return false
}

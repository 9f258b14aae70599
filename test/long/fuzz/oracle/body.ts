import zlib from 'node:zlib'
import type { House } from './expectation.ts'
import type { Message } from './message.ts'

export type BodyReading =
  | { readonly root: unknown }
  /** What may be answered. */
  | { readonly faults: readonly string[] }

const invalid: BodyReading = { faults: ['400 invalid_json'] }

/** What can be made of a body, in all readings that are left open. */
export function readBody(message: Message, { maxBodyBytes }: House): readonly BodyReading[] {
  const codings = message.fields
    .filter(([name]) => name === 'content-encoding')
    .flatMap(([, value]) => value.split(','))
    .map((coding) => coding.trim().toLowerCase())
    .filter((coding) => coding !== '' && coding !== 'identity')
  const isKnown = codings.length === 0 || (codings.length === 1 && knownCodings.has(codings[0] as string))
  const received = message.body
  const faults: string[] = []
  if (Math.max(received.length, message.declaredLength ?? 0) > maxBodyBytes)
    faults.push('413 payload_too_large')
  if (!isKnown) faults.push('415 unsupported_encoding')
  if (received.length === 0) faults.push('400 invalid_json')
  if (faults.length > 0) return [{ faults }]
  if (codings.length === 0) return readJson(received)
  const inflated = inflate(codings[0] as string, received, maxBodyBytes)
  return inflated.flatMap((bytes) => (bytes instanceof Uint8Array ? readJson(Buffer.from(bytes)) : [bytes]))
}

const knownCodings = new Map<string, 'gzip' | 'deflate' | 'br' | 'zstd'>([
  ['gzip', 'gzip'],
  ['x-gzip', 'gzip'],
  ['deflate', 'deflate'],
  ['br', 'br'],
  ...('zstdDecompressSync' in zlib ? [['zstd', 'zstd'] as const] : []),
])

/** What deflate makes of a byte at most; brotli makes more, of bodies that are longer than a few bytes. */
const largestRatio = 1_032
const tooLarge: BodyReading = { faults: ['413 payload_too_large'] }

function inflate(name: string, bytes: Buffer, maxOutputLength: number): readonly (Buffer | BodyReading)[] {
  const coding = knownCodings.get(name)
  if (coding === 'gzip') return undo(bytes, maxOutputLength, zlib.gunzipSync)
  if (coding === 'br') return undo(bytes, maxOutputLength, zlib.brotliDecompressSync)
  if (coding === 'zstd') {
    const decompress = Reflect.get(zlib, 'zstdDecompressSync') as typeof zlib.gunzipSync
    return undo(bytes, maxOutputLength, decompress)
  }
  const wrapped = undo(bytes, maxOutputLength, zlib.inflateSync)
  const bare = undo(bytes, maxOutputLength, zlib.inflateRawSync)
  // With its wrapper or without: what is whole one way is meant that way.
  if (wrapped[0] instanceof Uint8Array) return wrapped
  return bare[0] instanceof Uint8Array ? bare : [...wrapped, ...bare]
}

function undo(
  bytes: Buffer,
  maxOutputLength: number,
  decompress: typeof zlib.gunzipSync,
): readonly (Buffer | BodyReading)[] {
  try {
    // With `info` there is the engine, which tells how much it has taken.
    const { buffer, engine } = decompress(bytes, { maxOutputLength, info: true } as object) as unknown as {
      buffer: Buffer
      engine: { bytesWritten: number }
    }
    const rest = bytes.subarray(engine.bytesWritten)
    if (rest.length === 0) return [buffer]
    // Zeros behind the end are padding to some.
    return rest.every((byte) => byte === 0) ? [buffer, invalid] : [invalid]
  } catch (error) {
    // What is too large may be broken further on, and what is broken may have been too large before.
    const isLarge = (error as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE'
    return isLarge || bytes.length * largestRatio > maxOutputLength ? [tooLarge, invalid] : [invalid]
  }
}

function readJson(bytes: Buffer): readonly BodyReading[] {
  let text: string
  let root: unknown
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    root = JSON.parse(text)
  } catch {
    return [invalid]
  }
  const depth = depthOf(text)
  if (depth >= 2_000) return [invalid]
  // Between a thousand levels and two, both is right.
  return depth > 1_001 ? [{ root }, invalid] : [{ root }]
}

function depthOf(text: string): number {
  let depth = 0
  let deepest = 0
  for (const character of text.replace(/"(?:[^"\\]|\\.)*"/gs, '')) {
    if (character === '{' || character === '[') deepest = Math.max(deepest, ++depth)
    else if (character === '}' || character === ']') depth--
  }
  return deepest
}

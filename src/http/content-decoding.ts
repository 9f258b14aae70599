import type { Transform } from 'node:stream'
import type { Awaitable } from '../runtime/awaitable.ts'
import { nodeZlib } from '../runtime/built-ins.ts'
import type { ContentCoding } from './content-coding.ts'
import type { Turns } from './turns.ts'

/** Why bytes could not be decoded: `busy` when there was no room for more, or no turn in time. */
export type DecodingFailure = 'too_large' | 'corrupt' | 'busy'

/** What decoding may take up. */
export interface DecodingRoom {
  /** Of the decoded bytes. */
  readonly maxBytes: number
  readonly turns: Turns
  /** Whose turn it is to be. Asked only when one is needed. */
  whose(): string
  /** Counts decoded bytes that are about to be kept; false when there is no room for them. */
  hold(bytes: number): boolean
}

/** Output up to here is decoded at once: 30 µs for an ordinary event, 0.1 ms for a bomb until it shows. */
const quickBytes = 65_536
/** Small pieces took 17 ms for 4 MB, these take 2. */
const pieceBytes = 262_144
/** 8 MB, the most that a sender may ask for (RFC 9659). */
const zstdWindowLog = 23

/**
 * Undoes a content coding. Gzip is undone over all its members, deflate with the zlib wrapper and bare as some clients
 * send it. Input that ends early, or goes on after the compressed data, is `corrupt`.
 *
 * Little output is decoded at once. What turns out to be more, and what may fill a large window before it gives out a
 * byte (br and zstd: 165 bytes can claim 16 MB), waits for a turn, and its output is counted as it comes.
 *
 * Source: RFC 9110, 8.4.1.
 */
export function decodeContent(
  bytes: Uint8Array,
  coding: ContentCoding,
  room: DecodingRoom,
): Awaitable<Uint8Array | DecodingFailure> {
  const quick = bytes.length <= quickBytes ? decodeQuickly(bytes, coding, room) : undefined
  return quick ?? decodeInTurn(bytes, coding, room)
}

/** `undefined`: it takes more than a moment. */
function decodeQuickly(
  bytes: Uint8Array,
  coding: ContentCoding,
  { maxBytes, hold }: DecodingRoom,
): Uint8Array | DecodingFailure | undefined {
  if (coding === 'br' || coding === 'zstd') return undefined
  const { gunzipSync, inflateSync, inflateRawSync } = nodeZlib()
  const decode = coding === 'gzip' ? gunzipSync : hasZlibWrapper(bytes) ? inflateSync : inflateRawSync
  try {
    // `info` hands out the engine, which alone tells that input was left over; zlib refuses a limit of 0.
    const options = { maxOutputLength: Math.max(1, Math.min(maxBytes, quickBytes)), info: true }
    const { buffer, engine } = decode(bytes, options) as unknown as Decoded
    if (isLeftOver(coding, engine.bytesWritten, bytes)) return 'corrupt'
    if (buffer.length > maxBytes) return 'too_large'
    return hold(buffer.length) ? buffer : 'busy'
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_BUFFER_TOO_LARGE') return 'corrupt'
    return maxBytes <= quickBytes ? 'too_large' : undefined
  }
}

interface Decoded {
  buffer: Uint8Array
  engine: { bytesWritten: number }
}

async function decodeInTurn(
  bytes: Uint8Array,
  coding: ContentCoding,
  room: DecodingRoom,
): Promise<Uint8Array | DecodingFailure> {
  if (!(await room.turns.take(room.whose()))) return 'busy'
  try {
    return await decodeInPieces(bytes, coding, room)
  } finally {
    // Behind the parser of what has been decoded, so that no more lies about than is being worked on.
    setImmediate(room.turns.end)
  }
}

function decodeInPieces(
  bytes: Uint8Array,
  coding: ContentCoding,
  { maxBytes, hold }: DecodingRoom,
): Promise<Uint8Array | DecodingFailure> {
  return new Promise((resolve) => {
    const engine = createEngine(bytes, coding)
    const pieces: Uint8Array[] = []
    let length = 0

    function fail(failure: DecodingFailure): void {
      engine.destroy()
      resolve(failure)
    }

    engine.on('data', (piece: Uint8Array) => {
      length += piece.length
      if (length > maxBytes) return fail('too_large')
      if (!hold(piece.length)) return fail('busy')
      pieces.push(piece)
    })
    engine.on('error', () => fail('corrupt'))
    engine.on('end', () => {
      if (isLeftOver(coding, engine.bytesWritten, bytes)) return fail('corrupt')
      resolve(pieces.length === 1 ? (pieces[0] as Uint8Array) : Buffer.concat(pieces, length))
    })
    engine.end(bytes)
  })
}

function createEngine(bytes: Uint8Array, coding: ContentCoding): Transform & { bytesWritten: number } {
  const zlib = nodeZlib()
  const options = { chunkSize: pieceBytes }
  if (coding === 'gzip') return zlib.createGunzip(options)
  if (coding === 'br') return zlib.createBrotliDecompress(options)
  if (coding === 'zstd') return createZstdEngine(options)
  return hasZlibWrapper(bytes) ? zlib.createInflate(options) : zlib.createInflateRaw(options)
}

/** Newer than the types of the oldest Node that is supported. */
function createZstdEngine(options: { chunkSize: number }): Transform & { bytesWritten: number } {
  const zlib = nodeZlib() as unknown as {
    createZstdDecompress(options: object): Transform & { bytesWritten: number }
    constants: { ZSTD_d_windowLogMax: number }
  }
  return zlib.createZstdDecompress({
    ...options,
    params: { [zlib.constants.ZSTD_d_windowLogMax]: zstdWindowLog },
  })
}

/** Gunzip reports garbage after the last member itself (and lets zero padding pass); the others just stop. */
function isLeftOver(coding: ContentCoding, read: number, bytes: Uint8Array): boolean {
  return coding !== 'gzip' && read < bytes.length
}

/** RFC 1950, 2.2: the low four bits of the first byte are 8. No bare stream of a real encoder begins so. */
function hasZlibWrapper(bytes: Uint8Array): boolean {
  return ((bytes[0] ?? 0) & 0x0f) === 8
}

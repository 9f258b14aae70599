import type { Transform } from 'node:stream'
import type { Awaitable } from '../runtime/awaitable.ts'
import { nodeZlib } from '../runtime/built-ins.ts'
import { brotliLengthOf } from './brotli-length.ts'
import type { ContentCoding } from './content-coding.ts'
import type { Turns, TurnTaker } from './turns.ts'

/** Why bytes could not be decoded: `busy` when there was no room for more, or no turn in time. */
export type DecodingFailure = 'too_large' | 'corrupt' | 'busy'

/** The limits of decoding. */
export interface DecodingRoom {
  /** The longest decoded body, in bytes. */
  readonly maxBytes: number
  readonly turns: Turns
  /** Who takes a turn. Called only when one is needed. */
  whose(): TurnTaker
  /** Counts decoded bytes that are about to be kept; false when there is no room for them. */
  hold(bytes: number): boolean
}

/** Up to this much output is decoded at once, in 15 to 30 µs. Trying a thousand bombs takes 16 MB. */
const quickBytes = 16_384
/**
 * Up to this much input is decoded at once: blocks that hold nothing keep zlib busy for 0.2 ms a kilobyte.
 */
const quickInputBytes = 2_048
/** Longer input is decoded in slices, so that input which inflates to nothing is noticed. */
const sliceBytes = 65_536
/**
 * How much longer than its content a slice may be. Encoders add some bytes a kilobyte. An encoder that
 * flushes after every word triples the length.
 */
const mostPadding = 8
/** Small pieces took 17 ms for 4 MB, these take 2 ms. */
const pieceBytes = 262_144
/** 8 MB, the most that a sender may ask for (RFC 9659). */
const zstdWindowLog = 23

/**
 * Decodes a body. Gzip may have several members. Deflate may have the zlib wrapper or be bare, as some
 * clients send it. Input that ends early, or goes on after the compressed data, is `corrupt`.
 *
 * Small output is decoded at once. Larger output waits for a turn and is counted as it comes. So does input
 * whose coding may allocate a large window before it produces a byte: with br and zstd, 165 bytes can claim
 * 16 MB. A br that says itself that it is small cannot.
 *
 * Source: RFC 9110, 8.4.1.
 *
 * @param use parses or copies the content, whose buffer is reused afterwards
 * @returns what `use` returned
 */
export function decodeContent<Result>(
  bytes: Uint8Array,
  coding: ContentCoding,
  room: DecodingRoom,
  use: (content: Uint8Array) => Result,
): Awaitable<Result | DecodingFailure> {
  const quick = isLittle(bytes, coding) ? decodeQuickly(bytes, coding, room) : undefined
  if (quick === undefined) return decodeInTurn(bytes, coding, room, use)
  return typeof quick === 'string' ? quick : use(quick)
}

/** For gzip only a guess: it ends with the length of its content (RFC 1952, 2.3.1), true or not. */
function isLittle(bytes: Uint8Array, coding: ContentCoding): boolean {
  if (bytes.length > quickInputBytes || coding === 'zstd') return false
  if (coding === 'br') return (brotliLengthOf(bytes) ?? Infinity) <= quickBytes
  if (coding !== 'gzip' || bytes.length < 4) return true
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(bytes.length - 4, true) <= quickBytes
}

/** `undefined`: decoding takes longer than a moment. */
function decodeQuickly(
  bytes: Uint8Array,
  coding: ContentCoding,
  { maxBytes, hold }: DecodingRoom,
): Uint8Array | DecodingFailure | undefined {
  const decode = quickDecoder(bytes, coding)
  try {
    // With `info` zlib returns its engine, the only way to see input that was left over. zlib refuses a limit
    // of 0.
    const most = Math.max(1, Math.min(maxBytes, quickBytes))
    // One byte more than allowed, so that one piece shows whether there is too much.
    const options = { maxOutputLength: most, chunkSize: Math.max(64, most + 1), info: true }
    const { buffer, engine } = decode(bytes, options) as unknown as Decoded
    if (isLeftOver(coding, engine.bytesWritten, bytes)) return 'corrupt'
    if (buffer.length > maxBytes) return 'too_large'
    return hold(buffer.length) ? buffer : 'busy'
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_BUFFER_TOO_LARGE') return 'corrupt'
    return maxBytes <= quickBytes ? 'too_large' : undefined
  }
}

function quickDecoder(bytes: Uint8Array, coding: ContentCoding) {
  const { brotliDecompressSync, gunzipSync, inflateSync, inflateRawSync } = nodeZlib()
  if (coding === 'br') return brotliDecompressSync
  if (coding === 'gzip') return gunzipSync
  return hasZlibWrapper(bytes) ? inflateSync : inflateRawSync
}

interface Decoded {
  buffer: Uint8Array
  engine: { bytesWritten: number }
}

async function decodeInTurn<Result>(
  bytes: Uint8Array,
  coding: ContentCoding,
  room: DecodingRoom,
  use: (content: Uint8Array) => Result,
): Promise<Result | DecodingFailure> {
  if (!(await room.turns.take(room.whose()))) return 'busy'
  const output: Output = spareOutputs.pop() ?? { bytes: noBytes }
  try {
    const decoded = await decodeInPieces(bytes, coding, room, output)
    return typeof decoded === 'string' ? decoded : use(decoded)
  } finally {
    // At once: in Workers nothing of a request runs once it has been answered.
    if (output.bytes.length > mostSpareBytes) output.bytes = noBytes
    spareOutputs.push(output)
    room.turns.end()
  }
}

/** The buffer in which a body is put together. */
interface Output {
  bytes: Buffer
}

const noBytes = Buffer.alloc(0)
/**
 * Reused by the next turn: 1 500 bombs otherwise leave so much garbage that the process grows by 60 MB before
 * it is collected. There are as many buffers as turns.
 */
const spareOutputs: Output[] = []
/** A larger buffer is dropped after use. */
const mostSpareBytes = 8_388_608

function decodeInPieces(
  bytes: Uint8Array,
  coding: ContentCoding,
  { maxBytes, hold }: DecodingRoom,
  output: Output,
): Promise<Uint8Array | DecodingFailure> {
  return new Promise((resolve) => {
    const engine = createEngine(bytes, coding)
    let length = 0

    function fail(failure: DecodingFailure): void {
      engine.destroy()
      resolve(failure)
    }

    engine.on('data', (piece: Uint8Array) => {
      const start = length
      length += piece.length
      if (length > maxBytes) return fail('too_large')
      if (!hold(piece.length)) return fail('busy')
      growTo(output, length, maxBytes).set(piece, start)
    })
    engine.on('error', () => fail('corrupt'))
    engine.on('end', () => {
      if (isLeftOver(coding, engine.bytesWritten, bytes)) return fail('corrupt')
      resolve(output.bytes.subarray(0, length))
    })
    /** Decodes slice by slice: 4 MB of blocks that hold nothing take nearly a second of a processor. */
    function feed(start: number): void {
      const end = start + sliceBytes
      if (end >= bytes.length) {
        engine.end(bytes.subarray(start))
        return
      }
      engine.write(bytes.subarray(start, end), () => {
        // The other codings may hold back output until a block or a window is full.
        const isPadding = (coding === 'gzip' || coding === 'deflate') && length * mostPadding < end
        if (isPadding) fail('corrupt')
        else if (!engine.destroyed) feed(end)
      })
    }
    feed(0)
  })
}

function growTo(output: Output, length: number, maxBytes: number): Uint8Array {
  const { bytes } = output
  if (bytes.length >= length) return bytes
  output.bytes = Buffer.allocUnsafeSlow(Math.max(length, Math.min(maxBytes, 2 * length)))
  output.bytes.set(bytes)
  return output.bytes
}

function createEngine(bytes: Uint8Array, coding: ContentCoding): Transform & { bytesWritten: number } {
  const zlib = nodeZlib()
  const options = { chunkSize: pieceBytes }
  if (coding === 'gzip') return zlib.createGunzip(options)
  if (coding === 'br') return zlib.createBrotliDecompress(options)
  if (coding === 'zstd') return createZstdEngine(options)
  return hasZlibWrapper(bytes) ? zlib.createInflate(options) : zlib.createInflateRaw(options)
}

/** Missing in the types of the oldest Node that is supported. */
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

/** Zeros may follow a gzip, as padding. Gunzip itself stops at them, whatever comes behind. */
function isLeftOver(coding: ContentCoding, read: number, bytes: Uint8Array): boolean {
  if (read >= bytes.length) return false
  return coding !== 'gzip' || bytes.subarray(read).some((byte) => byte !== 0)
}

/**
 * RFC 1950, 2.2: the low four bits of the first byte are 8. No real encoder begins a bare stream like that.
 */
function hasZlibWrapper(bytes: Uint8Array): boolean {
  return ((bytes[0] ?? 0) & 0x0f) === 8
}

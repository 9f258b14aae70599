import type { ZlibOptions } from 'node:zlib'
import type { Awaitable } from '../keys/awaitable.ts'
import { nodeZlib } from '../keys/node-builtins.ts'

/** Why bytes could not be decoded. */
export type DecodingFailure = 'too_large' | 'unsupported' | 'corrupt'

type Inflater = (
  bytes: Uint8Array,
  options: ZlibOptions,
  callback: (error: NodeJS.ErrnoException | null, result: unknown) => void,
) => void

/**
 * Undoes a `Content-Encoding`: gzip, x-gzip, deflate (with the zlib wrapper, and bare as some clients send it), br and
 * identity, in any case. Stacked codings are `unsupported`. Without a coding the answer is the bytes themselves, at once.
 *
 * The output is counted while it is inflated, over all members of a gzip: `too_large` costs little more memory than
 * `maxBytes`, and with br the window the sender asked for (16 MB at most), of which no more than 4 exist at a time. Input that ends early, or goes on after the compressed data, is `corrupt`.
 *
 * Source: RFC 9110, 8.4.1.
 */
export function decodeContent(
  bytes: Uint8Array,
  encoding: string | undefined,
  maxBytes: number,
): Awaitable<Uint8Array | DecodingFailure> {
  if (encoding === undefined) return withinLimit(bytes, maxBytes)
  switch (encoding.trim().toLowerCase()) {
    case '':
    case 'identity':
      return withinLimit(bytes, maxBytes)
    case 'gzip':
    case 'x-gzip':
      return run(nodeZlib().gunzip, bytes, maxBytes)
    case 'deflate':
      return run(hasZlibWrapper(bytes) ? nodeZlib().inflate : nodeZlib().inflateRaw, bytes, maxBytes)
    case 'br':
      return inTurn(() => run(nodeZlib().brotliDecompress as Inflater, bytes, maxBytes))
    default:
      return 'unsupported'
  }
}

function withinLimit(bytes: Uint8Array, maxBytes: number): Uint8Array | DecodingFailure {
  return bytes.length > maxBytes ? 'too_large' : bytes
}

function run(inflater: Inflater, bytes: Uint8Array, maxBytes: number): Promise<Uint8Array | DecodingFailure> {
  return new Promise((resolve) => {
    // `info` hands out the engine, which alone tells that input was left over; zlib refuses a limit of 0.
    const options = { maxOutputLength: Math.max(1, maxBytes), info: true }
    inflater(bytes, options, (error, result) => {
      if (error) return resolve(error.code === 'ERR_BUFFER_TOO_LARGE' ? 'too_large' : 'corrupt')
      const { buffer, engine } = result as { buffer: Uint8Array; engine: { bytesWritten: number } }
      // Gunzip reports garbage after the last member itself (and lets zero padding pass); the others just stop.
      if (inflater !== nodeZlib().gunzip && engine.bytesWritten < bytes.length) return resolve('corrupt')
      resolve(withinLimit(buffer, maxBytes))
    })
  })
}

/** RFC 1950, 2.2: the low four bits of the first byte are 8. No bare stream of a real encoder begins so. */
function hasZlibWrapper(bytes: Uint8Array): boolean {
  return ((bytes[0] ?? 0) & 0x0f) === 8
}

/**
 * A brotli decoder fills its window before it gives out a byte, so that 165 bytes can claim 16 MB: 50 such requests at
 * once were measured at 790 MB. Four at a time keep libuv's default pool of threads busy.
 */
const MAX_BROTLI_DECODERS = 4
let brotliDecoders = 0
const waitingForDecoder: (() => void)[] = []

async function inTurn<T>(decode: () => Promise<T>): Promise<T> {
  if (brotliDecoders >= MAX_BROTLI_DECODERS) {
    await new Promise<void>((resolve) => waitingForDecoder.push(resolve))
  } else brotliDecoders++
  try {
    return await decode()
  } finally {
    // The turn is handed over as it is, so that nobody can slip in between.
    const next = waitingForDecoder.shift()
    if (next) next()
    else brotliDecoders--
  }
}

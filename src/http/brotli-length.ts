/**
 * The length of what a brotli stream holds, as its parts announce it: a decoder allocates no more than that, and refuses a part that
 * goes on after it. Undefined where only a decoder can tell: when a compressed part is not the last one. Encoders that get a
 * short text at once make one part of it.
 *
 * Source: RFC 7932, 9.1 and 9.2.
 */
export function brotliLengthOf(bytes: Uint8Array): number | undefined {
  const bits = createBitReader(bytes)
  skipWindowSize(bits)
  let length = 0
  while (bits.isLeft()) {
    const isLast = bits.take(1) === 1
    const isEmpty = isLast && bits.take(1) === 1
    if (isEmpty) return length
    const nibbles = 4 + bits.take(2)
    // Holds no content: nobody sends it.
    if (nibbles === 7) return undefined
    const partLength = 1 + bits.take(4 * nibbles)
    length += partLength
    if (isLast) return length
    const isUncompressed = bits.take(1) === 1
    if (!isUncompressed) return undefined
    bits.skipBytes(partLength)
  }
  return undefined
}

function skipWindowSize(bits: BitReader): void {
  const isSaid = bits.take(1) === 1
  if (isSaid && bits.take(3) === 0) bits.take(3)
}

interface BitReader {
  /** The next bits as a number, the first one lowest; those after the end are 0. */
  take(count: number): number
  /** Goes on with the next whole byte, and skips so many. */
  skipBytes(count: number): void
  isLeft(): boolean
}

function createBitReader(bytes: Uint8Array): BitReader {
  let position = 0
  return {
    take(count) {
      let value = 0
      for (let index = 0; index < count; index++, position++) {
        value |= (((bytes[position >> 3] ?? 0) >> (position & 7)) & 1) << index
      }
      return value
    },
    skipBytes(count) {
      position = (Math.ceil(position / 8) + count) * 8
    },
    isLeft: () => position < 8 * bytes.length,
  }
}

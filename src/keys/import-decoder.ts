/** Stands for bytes that are not UTF-8: half of a character, which no UTF-8 holds by itself. */
export const half = '\udfff'
/** Finds it. */
export const lost = /\udfff/u

/** Decodes a file of keys as it arrives. */
export interface ImportDecoder {
  decode(bytes: Uint8Array): string
  end(): string
}

/** Bytes of an unfinished line that are held. A longer line is refused, however it is decoded. */
const maxHeld = 1_048_576
const newline = 0x0a

/**
 * Decodes line by line, so that bytes that are not UTF-8 are told from a replacement character (U+FFFD) that really stands in the
 * file: `lost` finds them. In UTF-8 the byte of a newline is never part of another character.
 */
export function createImportDecoder(): ImportDecoder {
  let held = new Uint8Array(0)

  return {
    decode(bytes) {
      const all = joined(held, bytes)
      const end = all.length > maxHeld ? all.length : all.lastIndexOf(newline) + 1
      held = all.slice(end)
      return decodeLines(all.subarray(0, end))
    },
    end() {
      const rest = held
      held = new Uint8Array(0)
      return decodeLines(rest)
    },
  }
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const lenient = new TextDecoder('utf-8', { ignoreBOM: true })

function decodeLines(bytes: Uint8Array): string {
  try {
    return strict.decode(bytes)
  } catch {
    let text = ''
    for (let from = 0; from < bytes.length; ) {
      const end = bytes.indexOf(newline, from)
      const to = end === -1 ? bytes.length : end + 1
      text += decodeLine(bytes.subarray(from, to))
      from = to
    }
    return text
  }
}

function decodeLine(bytes: Uint8Array): string {
  try {
    return strict.decode(bytes)
  } catch {
    return lenient.decode(bytes).replaceAll('\ufffd', half)
  }
}

function joined(one: Uint8Array, other: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(one.length + other.length)
  bytes.set(one)
  bytes.set(other, one.length)
  return bytes
}

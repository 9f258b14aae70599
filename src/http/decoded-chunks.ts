import { BodyTakenError, textTaken } from './parsed-body.ts'

/** Encodings with which `setEncoding` loses no byte. */
const lossless: readonly (string | null)[] = ['latin1', 'hex', 'base64', 'base64url']

/**
 * The bytes of a chunk that a stream hands out as text, because somebody called its `setEncoding`.
 *
 * @param encoding the stream's `readableEncoding`
 * @throws BodyTakenError when the bytes are lost: a replacement character stands for any bytes that are not
 * UTF-8, such as those of a compressed body.
 */
export function bytesOfChunk(text: string, encoding: BufferEncoding | null): Buffer {
  if (lossless.includes(encoding)) return Buffer.from(text, encoding as BufferEncoding)
  if (encoding !== 'utf8' || text.includes('\ufffd')) throw new BodyTakenError(textTaken)
  return Buffer.from(text)
}

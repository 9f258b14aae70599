const utf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * Parses a JSON text, whatever its Content-Type said. `undefined` means that it is none: empty, not UTF-8 (RFC 8259, 8.1
 * asks for it; guessing would change what the sender wrote), or malformed. A byte order mark is skipped.
 *
 * Never throws, and keeps the parser's message, which quotes the input, to itself.
 */
export function parseJsonBody(body: Uint8Array | string): { value: unknown } | undefined {
  if (body.length === 0) return undefined
  try {
    const text = typeof body === 'string' ? body : utf8.decode(body)
    return { value: JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text) }
  } catch {
    return undefined
  }
}

import { nodeZlib } from '../runtime/built-ins.ts'

/** A content coding that this package can decode. */
export type ContentCoding = 'gzip' | 'deflate' | 'br' | 'zstd'

/** What this runtime can decode; Node has zstd from 22.15 on. */
export function knownCodings(): readonly ContentCoding[] {
  known ??= 'createZstdDecompress' in nodeZlib() ? [...always, 'zstd'] : always
  return known
}

const always: readonly ContentCoding[] = ['gzip', 'deflate', 'br']
let known: readonly ContentCoding[] | undefined

/**
 * The one coding that a `Content-Encoding` names, in any case; null = none. `identity` and empty list members
 * count as nothing. Several codings at once, and unknown ones, are `unsupported`.
 *
 * Source: RFC 9110, 8.4 and 5.6.1.2.
 */
export function parseContentEncoding(
  field: string | readonly string[] | undefined,
): ContentCoding | null | 'unsupported' {
  if (field === undefined) return null
  const text = typeof field === 'string' ? field : field.join()
  let found: ContentCoding | null = null
  for (const member of text.split(',')) {
    const name = member.replace(/^[ \t]+|[ \t]+$/g, '').toLowerCase()
    if (name === '' || name === 'identity') continue
    const coding = name === 'x-gzip' ? 'gzip' : name
    if (found !== null || !isKnown(coding)) return 'unsupported'
    found = coding
  }
  return found
}

function isKnown(name: string): name is ContentCoding {
  return knownCodings().includes(name as ContentCoding)
}

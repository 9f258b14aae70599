import { longestMasked, type MaskSecrets } from '../keys/secret-mask.ts'

/**
 * At most `maxLength` characters of a text from outside. A cut text is copied: V8 keeps the whole original of
 * a slice, so a name of 4 MB would stay in memory for its first 200 characters.
 */
export function cutText(text: string, maxLength: number): string {
  return text.length <= maxLength ? text : Buffer.from(text.slice(0, maxLength)).toString()
}

/** The same without secrets, also without one that the cut would go through. */
export function cutMasked(text: string, maxLength: number, mask: MaskSecrets): string {
  return cutText(mask(cutText(text, maxLength + longestMasked)), maxLength)
}

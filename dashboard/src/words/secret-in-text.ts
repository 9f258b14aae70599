import { isWellFormedSecret } from '../../../src/keys/secret.ts'

/** What lists show of a secret; the search finds keys by it. */
const startLength = 12

const isSecret = (word: string) => isWellFormedSecret(new TextEncoder().encode(word))

/** The write key in a text, such as a header or a `curl` command; null = none. Of those made elsewhere the shape is not known. */
export function findSecret(text: string): string | null {
  const basic = /\bbasic\s+([A-Za-z0-9+/]{16,}={0,2})/i.exec(text)?.[1]
  const all = basic === undefined ? text : `${text} ${fromBase64(basic)}`
  return all.split(/[^A-Za-z0-9_-]+/).find(isSecret) ?? null
}

/** Whether a text that was pasted as a whole may be a secret made elsewhere. */
export function mayBeSecret(text: string): boolean {
  return !text.startsWith('wk_') && /^[!-~]{16,256}$/.test(text) && /\d/.test(text)
}

/**
 * A text that may stand in an address: whole write keys, and those that are being typed, are cut to what lists
 * show of them.
 */
export function withoutSecrets(text: string): string {
  const basic = findSecret(text) === null ? text : text.replace(/\bbasic\s+\S+/gi, 'Basic')
  return basic.replace(/[A-Za-z0-9_-]{13,}/g, (word) =>
    isSecret(word) || beginsSecret(word) ? word.slice(0, startLength) : word,
  )
}

function beginsSecret(word: string): boolean {
  return /^sk_(?:live|test)_/.test(word) || (!word.startsWith('wk_') && looksRandom(word))
}

/** Whether 16 letters and digits in a row change between capitals, small letters and digits as no name does. */
function looksRandom(word: string): boolean {
  const run = /[A-Za-z0-9]{16,}/.exec(word)?.[0] ?? ''
  const kinds = run.replace(/[A-Z]/g, 'A').replace(/[a-z]/g, 'a').replace(/\d/g, '0')
  const changes = kinds.replace(/(.)\1+/g, '$1').length - 1
  return new Set(kinds).size === 3 && changes > run.length * 0.4
}

function fromBase64(text: string): string {
  try {
    return atob(text)
  } catch {
    return ''
  }
}

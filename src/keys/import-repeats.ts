import type { ImportEntry } from './import-text.ts'

type ReadLine = Extract<ImportEntry, { item: unknown }>

/**
 * Finds the lines of a file that repeat the secret of an earlier line. A file may go to the server in several calls, and each
 * call sees only its own lines.
 *
 * @param digest what tells secrets apart; the SHA-256 in hex tells also that a `key` and a `key_hash` are the same
 * @returns the earlier line; undefined if there is none, or if the line was refused for something else.
 */
export function createRepeatSearch(digest: (secret: string) => string) {
  const lines = new Map<string, number>()
  return ({ line, item }: ReadLine, result: { ok: boolean; code?: string }): number | undefined => {
    if (!result.ok && result.code !== 'conflict') return undefined
    const { key, key_hash: hash } = item
    const secret = typeof hash === 'string' ? hash.toLowerCase() : digest(String(key))
    const earlier = lines.get(secret)
    if (earlier === undefined) lines.set(secret, line)
    return earlier
  }
}

/** After why a line was refused: the line of the same call that has its secret first. */
export function repeatNote(earlier: number | undefined): string {
  return earlier === undefined ? '' : ` (It has the secret of line ${earlier}.)`
}

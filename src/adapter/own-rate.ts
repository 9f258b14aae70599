import type { HeaderTarget } from './cors-merge.ts'

/** Headers that tell of one rate together: a limit of the application's beside what is left of ours would be neither's. */
const families = [
  ['ratelimit', 'ratelimit-policy', 'ratelimit-limit', 'ratelimit-remaining', 'ratelimit-reset'],
  ['x-ratelimit-limit', 'x-ratelimit-remaining', 'x-ratelimit-reset'],
] as const

/** The headers of an accepted request without those in whose place the application has set its own. */
export function withoutOthersRate(
  target: HeaderTarget,
  headers: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  if (headers.ratelimit === undefined) return headers
  let kept: Record<string, string> | undefined
  for (const family of families) {
    if (family.every((name) => target.getHeader(name) === undefined)) continue
    kept ??= { ...headers }
    for (const name of family) delete kept[name]
  }
  return kept ?? headers
}

import { appendFields } from './field-list.ts'

/** Something that takes response headers: Node's response, or a framework's that keeps them itself. */
export interface HeaderTarget {
  getHeader(name: string): number | string | readonly string[] | undefined
  setHeader(name: string, value: string): unknown
  removeHeader(name: string): unknown
}

const allowOrigin = 'access-control-allow-origin'
const allowCredentials = 'access-control-allow-credentials'

/** Headers that are lists: ours join what the application has set. */
const lists: ReadonlySet<string> = new Set([
  'vary',
  'access-control-expose-headers',
  'access-control-allow-methods',
  'access-control-allow-headers',
])

/**
 * Sets one header of ours beside what the application has set. Lists are merged. Its own
 * `Access-Control-Allow-Origin` stays where every origin may send (`*`); the one origin that a key allows
 * takes its place, and what the app granted to another origin, credentials, goes with it.
 */
export function mergeHeader(target: HeaderTarget, name: string, value: string): void {
  if (lists.has(name)) target.setHeader(name, appendFields(target.getHeader(name), value))
  else if (name === allowOrigin) mergeOrigin(target, value)
  else target.setHeader(name, value)
}

function mergeOrigin(target: HeaderTarget, ours: string): void {
  const theirs = target.getHeader(allowOrigin)
  const kept = theirs !== undefined && ours === '*' ? String(theirs) : ours
  if (theirs !== kept) target.setHeader(allowOrigin, kept)
  // `*` beside credentials is refused by browsers, and another origin was not granted them.
  if (kept === '*' || theirs !== kept) target.removeHeader(allowCredentials)
}

/** For a refusal that no page may read. */
export function removeAllowedOrigin(target: HeaderTarget): void {
  target.removeHeader(allowOrigin)
  target.removeHeader(allowCredentials)
}

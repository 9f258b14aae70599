import { appendFields } from './field-list.ts'

/** Something that takes response headers: Node's response, or a framework's that keeps them itself. */
export interface HeaderTarget {
  getHeader(name: string): number | string | readonly string[] | undefined
  setHeader(name: string, value: string): unknown
  removeHeader(name: string): unknown
}

export const allowOrigin = 'access-control-allow-origin'
export const allowCredentials = 'access-control-allow-credentials'

/** Headers that are lists: our values join those of the application. */
const lists: ReadonlySet<string> = new Set([
  'vary',
  'access-control-expose-headers',
  'access-control-allow-methods',
  'access-control-allow-headers',
])

/** Whether our value joins that of the application. */
export function isList(name: string): boolean {
  return lists.has(name)
}

/**
 * Sets one of our headers beside what the application has set. Lists are merged. The application's
 * `Access-Control-Allow-Origin` stays where every origin may send (`*`). The one origin that a key allows
 * replaces it; then what the app granted to another origin, credentials, is removed.
 */
export function mergeHeader(target: HeaderTarget, name: string, value: string): void {
  if (isList(name)) mergeList(target, name, value)
  else if (name === allowOrigin) mergeOrigin(target, value)
  else target.setHeader(name, value)
}

function mergeList(target: HeaderTarget, name: string, ours: string): void {
  const theirs = target.getHeader(name)
  if (theirs !== ours) target.setHeader(name, appendFields(theirs, ours))
}

function mergeOrigin(target: HeaderTarget, ours: string): void {
  const theirs = target.getHeader(allowOrigin)
  const kept = theirs !== undefined && ours === '*' ? String(theirs) : ours
  if (theirs !== kept) target.setHeader(allowOrigin, kept)
  // Browsers refuse `*` beside credentials, and those were not granted to another origin.
  if (kept === '*' || theirs !== kept) target.removeHeader(allowCredentials)
}

/** For a refusal that no page may read. */
export function removeAllowedOrigin(target: HeaderTarget): void {
  target.removeHeader(allowOrigin)
  target.removeHeader(allowCredentials)
}

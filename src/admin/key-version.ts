import type { WriteKey } from '../keys/key-record.ts'
import type { KeyChangeOptions } from '../management/key-changes.ts'
import { actorOf, type Call } from './operation.ts'
import { AdminProblem } from './problem.ts'

/** For operations that change one key. */
export const ifMatchHeader = {
  'If-Match': 'The ETag of the version that is to be changed: 409 when the key has another one by now.',
} as const

export function etag(key: WriteKey): { etag: string } {
  return { etag: `"${key.version}"` }
}

/**
 * Who changes a key, and the version that the change is meant for.
 * @param fromBody the version that the body names, when it may name one.
 * @throws AdminProblem `invalid_field` for a header that is no ETag of a key, or names another version.
 */
export function keyChangeOf(call: Call, fromBody?: number): KeyChangeOptions {
  const fromHeader = matchedVersion(call.request.headers.get('if-match'))
  if (fromHeader !== undefined && fromBody !== undefined && fromHeader !== fromBody)
    throw new AdminProblem('invalid_field', {
      field: 'version',
      detail: 'version and If-Match name different versions: send one of them, or the same',
    })
  const version = fromHeader ?? fromBody
  return { ...actorOf(call), ...(version !== undefined && { version }) }
}

/** undefined: any version. */
function matchedVersion(ifMatch: string | null): number | undefined {
  if (ifMatch === null || ifMatch === '*') return undefined
  const match = /^(?:W\/)?"([1-9]\d{0,15})"$/.exec(ifMatch)
  if (match === null)
    throw new AdminProblem('invalid_field', {
      field: 'If-Match',
      detail: 'If-Match must be the ETag of an earlier answer',
    })
  return Number(match[1])
}

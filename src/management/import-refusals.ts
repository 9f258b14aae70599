import type { ParsedSecret } from '../keys/imported-secret.ts'
import type { KeyStore } from '../stores/key-store.ts'
import type { Candidate, Repeat } from './import-candidates.ts'
import { type ImportResult, noRoom, type RefusedImport } from './import-results.ts'
import { findEnded, findExisting } from './import-writes.ts'

/** Why a secret cannot be imported. */
export type Refusal =
  | { code: 'conflict' }
  | { code: 'secret_ended'; at: number }
  /** It exists or has ended: a caller of one workspace does not learn which. */
  | { code: 'secret_taken' }

export interface RefusalQuestion {
  hashesOf(candidate: Candidate): readonly string[]
  /** The workspace of a caller who may see no other. */
  workspace: string | undefined
}

/** The candidates that cannot be imported, as their secret exists or has ended. */
export async function findRefused(
  store: KeyStore,
  candidates: readonly Candidate[],
  { hashesOf, workspace }: RefusalQuestion,
): Promise<Map<Candidate, Refusal>> {
  const existing = await findExisting(store, candidates, hashesOf)
  // In this order, so that a secret that ends meanwhile is in one of the two.
  const ended = await findEnded(store, candidates)
  const refused = new Map<Candidate, Refusal>()
  for (const candidate of candidates) {
    const record = existing.get(candidate)
    const at = ended.get(candidate)
    if (record === undefined && at === undefined) continue
    if (workspace !== undefined && record?.workspace !== workspace)
      refused.set(candidate, { code: 'secret_taken' })
    else if (record !== undefined) refused.set(candidate, { code: 'conflict' })
    else refused.set(candidate, { code: 'secret_ended', at: at as number })
  }
  return refused
}

export function toRefusedResult(refusal: Refusal, { isHashed }: ParsedSecret): RefusedImport {
  const field = isHashed ? 'keyHash' : 'key'
  return { ok: false, code: refusal.code, field, message: `${field} ${explain(refusal)}` }
}

/**
 * What to say of a secret that is twice in one import. It shares the fate of the first, but for what is wrong with the other
 * fields of that one.
 */
export function toRepeatResult(
  { secret, record, first }: Repeat,
  made: ImportResult | undefined,
  refusal: Refusal | undefined,
): ImportResult {
  const repeatOf = first.index
  if (refusal !== undefined) return { ...toRefusedResult(refusal, secret), repeatOf }
  const field = secret.isHashed ? 'keyHash' : 'key'
  const message = `${field} is that of an earlier key of this import`
  if (made?.ok) return { ok: false, code: 'conflict', field, message, repeatOf }
  if (made?.code === 'workspace_full' && record.workspace === first.record.workspace)
    return { ...noRoom(), repeatOf }
  return {
    ok: false,
    code: 'invalid_field',
    field,
    message: `${message}, which could not be imported`,
    repeatOf,
  }
}

const instead = 'create a key, and give its sender the new secret'

function explain(refusal: Refusal): string {
  switch (refusal.code) {
    case 'conflict':
      return 'exists already: a write key has this secret'
    case 'secret_taken':
      return `cannot be imported, because a write key has this secret or had it: ${instead}`
    case 'secret_ended':
      return `has ended (on ${new Date(refusal.at).toISOString().slice(0, 10)}), and nothing brings it back: ${instead}`
  }
}

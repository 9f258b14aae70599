import type { ParsedSecret } from '../keys/imported-secret.ts'
import type { WriteKey } from '../keys/key-record.ts'
import { KeyError } from '../runtime/errors.ts'
import { workspaceFull } from './workspace-room.ts'

/** What became of one key. */
export type ImportResult =
  | {
      ok: true
      writeKey: WriteKey
      /** What could not be checked. */
      note?: string
    }
  | RefusedImport

export interface RefusedImport {
  ok: false
  /**
   * `conflict`: the secret exists already, or is that of an earlier key of this import. `secret_ended`: it was
   * deleted or rotated out, and nothing brings it back. `secret_taken`, for callers of one workspace: it exists
   * elsewhere, or has ended. `workspace_full`: it holds as many keys as it may.
   */
  code: 'invalid_field' | 'conflict' | 'secret_ended' | 'secret_taken' | 'workspace_full'
  /** The field at fault, in the spelling of the TypeScript API; `input`: none of them alone. */
  field: string
  /** Never holds a secret. */
  message: string
  /** Of a secret that this import has twice: the index of the first, whatever became of that one. */
  repeatOf?: number
}

const hashedNote =
  'The shape of a hashed secret cannot be checked: it is accepted when it matches importedKeys, or is of the shape made here.'

export function success(writeKey: WriteKey, { isHashed }: ParsedSecret): ImportResult {
  return { ok: true, writeKey, ...(isHashed && { note: hashedNote }) }
}

export function noRoom(): RefusedImport {
  return { ok: false, code: 'workspace_full', field: 'input', message: workspaceFull().message }
}

export function toFailure(error: unknown): ImportResult {
  if (!(error instanceof KeyError) || error.code === 'not_found') throw error
  const { code, field = 'input', message } = error
  return { ok: false, code, field, message }
}

/**
 * A result as it reads in a longer list than the one that was imported.
 *
 * @param places where the imported keys stand in the longer list
 */
export function atPlaces(places: readonly number[], result: ImportResult): ImportResult {
  if (result.ok || result.repeatOf === undefined) return result
  return { ...result, repeatOf: places[result.repeatOf] as number }
}

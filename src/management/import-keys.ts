import type { PepperCheck } from '../cache/pepper-check.ts'
import type { ParsedSecret } from '../keys/imported-secret.ts'
import type { CreateKeyInput } from '../keys/key-fields.ts'
import type { KeyRecord } from '../keys/key-record.ts'
import type { Clock } from '../runtime/clock.ts'
import { invalidField } from '../runtime/errors.ts'
import type { KeyStore } from '../stores/key-store.ts'
import type { Announcements } from './announcements.ts'
import { type Candidate, type CandidatesOptions, createCandidates } from './import-candidates.ts'
import { conflict, type ImportResult, noRoom, success, toFailure } from './import-results.ts'
import { measureRoom } from './import-room.ts'
import { findExisting, type Insertion, insertKeys } from './import-writes.ts'
import type { ChangeOptions, KeyChanges } from './key-changes.ts'
import type { PresentKey } from './present-key.ts'
import type { WorkspaceRoom } from './workspace-room.ts'

/** A key to be imported: its fields, and the secret that senders have, in the clear or as its SHA-256. */
export type ImportKeyInput = CreateKeyInput &
  (
    | {
        /**
         * 16 to 256 visible ASCII characters without a colon, of the shape of `importedKeys` or of our own.
         */
        key: string
        keyHash?: undefined
      }
    | {
        /** SHA-256 of the secret in 64 hex digits. Not with a pepper, unless its list ends with `null`. */
        keyHash: string
        key?: undefined
      }
  )

export interface KeyImport {
  import(
    inputs: readonly ImportKeyInput[],
    change?: ChangeOptions & { dryRun?: boolean },
  ): Promise<{ results: ImportResult[] }>
}

/** Keys of one call. */
export const maxImported = 1_000
/** Keys of one transaction, so that no lock is held for long and an SQLite file holds up no request. */
const keysPerChunk = 200

export interface KeyImportParts extends CandidatesOptions {
  store: KeyStore
  clock: Clock
  changes: KeyChanges
  announcements: Announcements
  peppers: Pick<PepperCheck, 'claim'>
  present: PresentKey
  room: WorkspaceRoom
}

export function createKeyImport(parts: KeyImportParts): KeyImport {
  const { store, clock, changes, announcements, present, room } = parts
  const readCandidates = createCandidates(parts)

  /** Makes those that neither exist nor are too many for their workspace. */
  async function makeAll(
    candidates: readonly Candidate[],
    results: ImportResult[],
    { dryRun, ...change }: ChangeOptions & { dryRun: boolean },
  ): Promise<void> {
    const left = await measureRoom(
      room,
      candidates.map(({ record }) => record),
    )
    // The store itself refuses a secret that exists under the newest pepper. Where room is scarce it is looked
    // up all the same, so that it takes no place.
    const existing = await findExisting(store, candidates, ({ record, secret }) =>
      dryRun || left.isTight(record.workspace) ? secret.hashes : secret.hashes.slice(1),
    )
    const absent: Candidate[] = []
    for (const candidate of candidates) {
      const { index, secret, record } = candidate
      if (existing.has(candidate)) results[index] = conflict(secret)
      else if (left.take(record.workspace)) absent.push(candidate)
      else results[index] = noRoom()
    }
    if (!dryRun) await claimPeppers(absent)
    for (let start = 0; start < absent.length; start += keysPerChunk) {
      const chunk = absent.slice(start, start + keysPerChunk)
      const made = dryRun ? chunk.map(() => true) : await insert(chunk, change)
      for (const [position, { index, record, secret }] of chunk.entries()) {
        results[index] = toResult(made[position] as Insertion, record, secret)
      }
    }
  }

  async function claimPeppers(candidates: readonly Candidate[]): Promise<void> {
    const kinds = candidates.map(({ secret }) => (secret.isHashed ? 'plain' : 'newest'))
    await parts.peppers.claim([...new Set(kinds)])
  }

  async function insert(chunk: readonly Candidate[], change: ChangeOptions): Promise<Insertion[]> {
    const made = await insertKeys(
      store,
      chunk.map(({ record }) => ({ record, audit: changes.entry('create', change, null, record) })),
    )
    const ids = chunk.filter((_, position) => made[position] === true).map(({ record }) => record.id)
    if (ids.length > 0) announcements.changed(...ids)
    return made
  }

  function toResult(made: Insertion, record: KeyRecord, secret: ParsedSecret): ImportResult {
    if (made === true) return success(present(record), secret)
    return made === false ? conflict(secret) : toFailure(made)
  }

  return {
    async import(inputs, { dryRun = false, ...change } = {}) {
      if (!Array.isArray(inputs) || inputs.length > maxImported)
        throw invalidField('writeKeys', `must be a list of ${maxImported} keys at most`)
      const results: ImportResult[] = new Array(inputs.length)
      const candidates = await readCandidates(inputs, results, clock.now())
      const workspaces = candidates.map(({ record }) => record.workspace)
      await room.inTurn(workspaces, () => makeAll(candidates, results, { ...change, dryRun }))
      return { results }
    },
  }
}

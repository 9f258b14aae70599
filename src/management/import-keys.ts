import type { PepperCheck } from '../cache/pepper-check.ts'
import type { CreateKeyInput } from '../keys/key-fields.ts'
import type { Clock } from '../runtime/clock.ts'
import { invalidField, type KeyError } from '../runtime/errors.ts'
import type { KeyStore } from '../stores/key-store.ts'
import type { Announcements } from './announcements.ts'
import { type Candidate, type CandidatesOptions, createCandidates } from './import-candidates.ts'
import { findRefused, type Refusal, toRefusedResult, toRepeatResult } from './import-refusals.ts'
import { type ImportResult, noRoom, success, toFailure } from './import-results.ts'
import { measureRoom, type Planned, parsePlanned } from './import-room.ts'
import { type Insertion, insertKeys } from './import-writes.ts'
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

/** Options of `keys.import`. */
export interface ImportOptions extends ChangeOptions {
  /** Checks everything and stores nothing; the ids in the results belong to no key. Default: false. */
  dryRun?: boolean | undefined
  /**
   * For a dry run in several calls: how many keys the earlier calls would have made in each workspace. They take room there.
   * Default: none.
   */
  planned?: Readonly<Record<string, number>> | undefined
}

export interface KeyImport {
  import(inputs: readonly ImportKeyInput[], options?: ImportOptions): Promise<{ results: ImportResult[] }>
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

  /**
   * Makes those that neither exist, nor have ended, nor are too many for their workspace. @returns why the
   * secrets of others were refused.
   */
  async function makeAll(
    candidates: readonly Candidate[],
    results: ImportResult[],
    { dryRun, planned, ...change }: ChangeOptions & { dryRun: boolean; planned: Planned },
  ): Promise<Map<Candidate, Refusal>> {
    const workspace = change.actor?.workspace
    const left = await measureRoom(
      room,
      candidates.map(({ record }) => record),
      planned,
    )
    // The store itself refuses a secret that exists under the newest pepper. Where room is scarce it is looked
    // up all the same, so that it takes no place.
    const refused = await findRefused(store, candidates, {
      workspace,
      hashesOf: ({ record, secret }) =>
        dryRun || left.isTight(record.workspace) ? secret.hashes : secret.hashes.slice(1),
    })
    const absent: Candidate[] = []
    for (const candidate of candidates) {
      if (refused.has(candidate)) continue
      if (left.take(candidate.record.workspace)) absent.push(candidate)
      else results[candidate.index] = noRoom()
    }
    if (!dryRun) await parts.peppers.claim(peppersOf(absent))
    for (let start = 0; start < absent.length; start += keysPerChunk) {
      const chunk = absent.slice(start, start + keysPerChunk)
      const made = dryRun ? chunk.map(() => true) : await insert(chunk, change)
      for (const [position, candidate] of chunk.entries()) {
        const outcome = made[position] as Insertion
        if (outcome !== false) results[candidate.index] = toResult(outcome, candidate)
      }
      const taken = chunk.filter((_, position) => made[position] === false)
      const reasons = await findRefused(store, taken, { workspace, hashesOf: ({ secret }) => secret.hashes })
      const otherwise = { code: workspace === undefined ? 'conflict' : 'secret_taken' } as const
      for (const candidate of taken) refused.set(candidate, reasons.get(candidate) ?? otherwise)
    }
    return refused
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

  function toResult(made: true | KeyError, { record, secret }: Candidate): ImportResult {
    return made === true ? success(present(record), secret) : toFailure(made)
  }

  return {
    async import(inputs, { dryRun = false, planned: given = {}, ...change } = {}) {
      if (typeof dryRun !== 'boolean') throw invalidField('dryRun', 'must be true or false')
      const planned = parsePlanned(given, dryRun)
      if (!Array.isArray(inputs) || inputs.length > maxImported)
        throw invalidField('inputs', `must be a list of ${maxImported} keys at most`)
      const results: ImportResult[] = new Array(inputs.length)
      const { candidates, repeats } = await readCandidates(inputs, results, clock.now())
      const workspaces = candidates.map(({ record }) => record.workspace)
      const make = () => makeAll(candidates, results, { ...change, dryRun, planned })
      const refused = await room.inTurn(workspaces, make)
      for (const [{ index, secret }, refusal] of refused) results[index] = toRefusedResult(refusal, secret)
      for (const repeat of repeats)
        results[repeat.index] = toRepeatResult(repeat, results[repeat.first.index], refused.get(repeat.first))
      return { results }
    },
  }
}

function peppersOf(candidates: readonly Candidate[]): ('plain' | 'newest')[] {
  return [...new Set(candidates.map(({ secret }) => (secret.isHashed ? 'plain' : 'newest')))]
}

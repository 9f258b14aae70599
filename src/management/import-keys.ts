import type { PepperCheck } from '../cache/pepper-check.ts'
import { type ParsedSecret, parseImportedSecret, type SecretRules } from '../keys/imported-secret.ts'
import { type CreateKeyInput, parseScalarFields } from '../keys/key-fields.ts'
import type { KeyRecord, WriteKey } from '../keys/key-record.ts'
import { createKey } from '../keys/lifecycle.ts'
import type { Clock } from '../runtime/clock.ts'
import { invalidField, KeyError } from '../runtime/errors.ts'
import type { KeyStore } from '../stores/key-store.ts'
import type { Announcements } from './announcements.ts'
import { countByWorkspace, findExisting, type Insertion, insertKeys } from './import-writes.ts'
import type { ChangeOptions, KeyChanges } from './key-changes.ts'
import type { ParseRules } from './parse-rules.ts'
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

/** What became of one key. */
export type ImportResult =
  | {
      ok: true
      writeKey: WriteKey
      /** What could not be checked. */
      note?: string
    }
  | {
      ok: false
      /** `conflict`: the secret exists already. */
      code: 'invalid_field' | 'conflict'
      /** The field at fault, in the spelling of the TypeScript API. */
      field: string
      /** Never holds a secret. */
      message: string
    }

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

const hashedNote =
  'The shape of a hashed secret cannot be checked: it is accepted when it matches importedKeys, or is of the shape made here.'

/** An input that has passed every check that needs no store. */
interface Candidate {
  readonly index: number
  readonly record: KeyRecord
  readonly secret: ParsedSecret
}

export function createKeyImport(parts: {
  store: KeyStore
  clock: Clock
  /** Of keys that name none. */
  environment: string
  keyPrefixFor: (environment: string) => string
  secretRules: SecretRules
  changes: KeyChanges
  announcements: Announcements
  parseRules: ParseRules
  peppers: Pick<PepperCheck, 'claim'>
  present: PresentKey
  room: WorkspaceRoom
}): KeyImport {
  const { store, clock, secretRules, changes, announcements, parseRules, present, room } = parts

  async function read(input: unknown, index: number, now: number): Promise<Candidate> {
    if (typeof input !== 'object' || input === null || Array.isArray(input)) {
      throw invalidField('input', 'must be an object with the fields of a write key, and its key or keyHash')
    }
    const { key, keyHash, ...fields } = input as Record<string, unknown>
    const scalars = parseScalarFields(fields, 'create', now)
    const rules = await parseRules(fields)
    const environment = scalars.environment ?? parts.environment
    const prefixOfEnvironment = parts.keyPrefixFor(environment)
    const secret = parseImportedSecret({ key, keyHash }, { ...secretRules, prefixOfEnvironment })
    const { keyHash: hash, start, imported } = secret
    const record = createKey({ ...scalars, ...rules }, environment, { keyHash: hash, start, imported }, now)
    return { index, record, secret }
  }

  /** Makes those that neither exist nor are too many for their workspace. */
  async function makeAll(
    candidates: readonly Candidate[],
    results: ImportResult[],
    { dryRun, ...change }: ChangeOptions & { dryRun: boolean },
  ): Promise<void> {
    const left = await measureRoom(candidates)
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
      else results[index] = toFailure(invalidField('workspace', 'holds as many keys as it may'))
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

  /** The places left in the workspaces of these candidates. */
  async function measureRoom(candidates: readonly Candidate[]) {
    const wanted = countByWorkspace(candidates.map(({ record }) => record))
    const left = new Map<string | null, number>()
    for (const workspace of wanted.keys()) left.set(workspace, await room.left(workspace))
    const tight = new Set(
      [...wanted].flatMap(([name, count]) => (count > (left.get(name) as number) ? [name] : [])),
    )
    return {
      isTight: (workspace: string | null) => tight.has(workspace),
      /** Takes a place; false when there is none. */
      take(workspace: string | null): boolean {
        const places = left.get(workspace) as number
        left.set(workspace, places - 1)
        return places > 0
      },
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
      const now = clock.now()
      const results: ImportResult[] = new Array(inputs.length)
      const candidates: Candidate[] = []
      const seen = new Set<string>()
      for (const [index, input] of inputs.entries()) {
        try {
          const candidate = await read(input, index, now)
          const { keyHash } = candidate.secret
          if (seen.has(keyHash)) results[index] = conflict(candidate.secret)
          else candidates.push(candidate)
          seen.add(keyHash)
        } catch (error) {
          results[index] = toFailure(error)
        }
      }
      const workspaces = candidates.map(({ record }) => record.workspace)
      await room.inTurn(workspaces, () => makeAll(candidates, results, { ...change, dryRun }))
      return { results }
    },
  }
}

function success(writeKey: WriteKey, { isHashed }: ParsedSecret): ImportResult {
  return { ok: true, writeKey, ...(isHashed && { note: hashedNote }) }
}

function conflict({ isHashed }: ParsedSecret): ImportResult {
  const field = isHashed ? 'keyHash' : 'key'
  return {
    ok: false,
    code: 'conflict',
    field,
    message: `${field} exists already: a write key has this secret`,
  }
}

function toFailure(error: unknown): ImportResult {
  if (!(error instanceof KeyError) || error.code === 'not_found') throw error
  const { code, field = 'input', message } = error
  return { ok: false, code, field, message }
}

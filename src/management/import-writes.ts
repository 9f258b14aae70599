import type { KeyRecord } from '../keys/key-record.ts'
import { KeyError } from '../runtime/errors.ts'
import type { Creation, KeyStore } from '../stores/key-store.ts'
import type { Candidate } from './import-candidates.ts'

/** Lookups under way at the same time. */
const lookUpsAtOnce = 8
/** Hashes of one question about ended secrets. */
const mostAsked = 1_000

/** The candidates of which the store has a digest already, with the key that has it. */
export async function findExisting(
  store: KeyStore,
  candidates: readonly Candidate[],
  hashesOf: (candidate: Candidate) => readonly string[],
): Promise<Map<Candidate, KeyRecord>> {
  const existing = new Map<Candidate, KeyRecord>()
  const left = candidates.values()
  const look = async () => {
    for (const candidate of left) {
      for (const keyHash of hashesOf(candidate)) {
        const { record } = await store.poll({ since: null, keyHash })
        if (record !== undefined) existing.set(candidate, record)
      }
    }
  }
  await Promise.all(Array.from({ length: lookUpsAtOnce }, look))
  return existing
}

/** When the secrets of candidates ended that have ended, under any pepper. */
export async function findEnded(
  store: KeyStore,
  candidates: readonly Candidate[],
): Promise<Map<Candidate, number>> {
  const ended = new Map<Candidate, number>()
  if (store.ended === undefined) return ended
  const owners = candidates.flatMap((candidate) =>
    candidate.secret.hashes.map((keyHash) => ({ candidate, keyHash })),
  )
  for (let start = 0; start < owners.length; start += mostAsked) {
    const some = owners.slice(start, start + mostAsked)
    const found = await store.ended(some.map(({ keyHash }) => keyHash))
    for (const { candidate, keyHash } of some) {
      const at = found.get(keyHash)
      if (at !== undefined) ended.set(candidate, at)
    }
  }
  return ended
}

/** True: made. False: the secret exists, or has ended. An error: a fault of this key that only the store can see. */
export type Insertion = boolean | KeyError

/** Stores keys, in one transaction where the store can. */
export async function insertKeys(store: KeyStore, creations: readonly Creation[]): Promise<Insertion[]> {
  if (store.insertAll !== undefined) {
    try {
      return (await store.insertAll(creations)).map((committed) => committed !== undefined)
    } catch (error) {
      // One key is at fault: each is tried alone.
      if (!(error instanceof KeyError)) throw error
    }
  }
  const made: Insertion[] = []
  for (const creation of creations) made.push(await insertOne(store, creation))
  return made
}

async function insertOne(store: KeyStore, { record, audit }: Creation): Promise<Insertion> {
  try {
    return (await store.insert(record, audit)) !== undefined
  } catch (error) {
    if (error instanceof KeyError) return error
    throw error
  }
}

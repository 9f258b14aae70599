import { KeyError } from '../runtime/errors.ts'
import type { Creation, KeyStore } from '../stores/key-store.ts'

/** Lookups under way at the same time. */
const lookUpsAtOnce = 8

/** The candidates of which the store has a digest already. */
export async function findExisting<Candidate>(
  store: KeyStore,
  candidates: readonly Candidate[],
  hashesOf: (candidate: Candidate) => readonly string[],
): Promise<Set<Candidate>> {
  const existing = new Set<Candidate>()
  const left = candidates.values()
  const look = async () => {
    for (const candidate of left) {
      for (const keyHash of hashesOf(candidate)) {
        if ((await store.poll({ since: null, keyHash })).record !== undefined) existing.add(candidate)
      }
    }
  }
  await Promise.all(Array.from({ length: lookUpsAtOnce }, look))
  return existing
}

/** True: made. False: the secret exists. An error: a fault of this key that only the store can see. */
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

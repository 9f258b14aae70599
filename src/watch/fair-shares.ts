/** Entries of many owners in bounded memory, each owner's oldest first. */
export interface FairShares<Owner, Id, Entry> {
  get(owner: Owner, id: Id): Entry | undefined
  /** Puts an entry in the newest place of its owner. */
  set(owner: Owner, id: Id, entry: Entry): void
  delete(owner: Owner, id: Id): void
  /** Oldest first. */
  of(owner: Owner): Entry[]
  /** Of all owners, in no order. */
  all(): Entry[]
  size(): number
}

/**
 * Keeps `size` entries. When there are more, one goes from an owner with at least the average: an owner with
 * less loses none, however loud the others are.
 */
export function createFairShares<Owner, Id, Entry>(size: number): FairShares<Owner, Id, Entry> {
  type Share = { readonly owner: Owner; readonly entries: Map<Id, Entry> }
  const shares = new Map<Owner, Share>()
  let total = 0
  let largest: Share | undefined

  function hasAverage({ entries }: Share): boolean {
    return entries.size * shares.size >= total
  }

  function remove(share: Share, id: Id): void {
    if (!share.entries.delete(id)) return
    total--
    if (share.entries.size === 0) shares.delete(share.owner)
    if (share.entries.size === 0 && largest === share) largest = undefined
  }

  function makeRoom(): void {
    // Looked for again only when the largest owner has shrunk below the average.
    if (largest === undefined || !hasAverage(largest)) largest = findLarge()
    if (largest !== undefined) remove(largest, largest.entries.keys().next().value as Id)
  }

  /** Of several, the one that has been there longest. */
  function findLarge(): Share | undefined {
    for (const share of shares.values()) if (hasAverage(share)) return share
    return undefined
  }

  return {
    get: (owner, id) => shares.get(owner)?.entries.get(id),
    set(owner, id, entry) {
      let share = shares.get(owner)
      if (share === undefined) {
        share = { owner, entries: new Map() }
        shares.set(owner, share)
      }
      if (!share.entries.delete(id)) total++
      share.entries.set(id, entry)
      if (largest !== undefined && share.entries.size > largest.entries.size) largest = share
      if (total > size) makeRoom()
    },
    delete(owner, id) {
      const share = shares.get(owner)
      if (share !== undefined) remove(share, id)
    },
    of: (owner) => [...(shares.get(owner)?.entries.values() ?? [])],
    size: () => total,
    all: () => [...shares.values()].flatMap(({ entries }) => [...entries.values()]),
  }
}

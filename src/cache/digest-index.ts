const shardCount = 256
/** 32-bit words per entry: with the shard's number, 48 bits of a digest and 48 bits of its owner's id. */
const entryWords = 3
const firstCapacity = 8
const mostLoad = 0.8
const growth = 1.25

/**
 * The digests that exist, in 12 bytes each and less than 20 including free slots. Never a false "does not
 * exist". A false "exists" once in 2^56 tries for each entry, which costs one read of the store. Open
 * addressing in 256 small tables, so that none takes long to grow.
 */
export interface DigestIndex {
  readonly size: number
  /** Bytes of all tables. */
  readonly bytes: number
  /** @param digest as `SecretHasher` makes it: one code unit a byte. */
  has(digest: string): boolean
  /** @param keyHash the same digest in hex, as stores hold it. */
  add(keyHash: string, keyId: string): void
  delete(digest: string): void
  /** Removes all digests of these keys: one look at every entry, some 10 ms for a million. */
  deleteOwners(keyIds: readonly string[]): void
}

/**
 * Layout of a slot: word 0 holds digest bytes 1 to 4; word 1 bytes 5 and 6, and 16 bits of the owner; word 2
 * the rest of the owner, never 0.
 */
interface Shard {
  slots: Uint32Array
  count: number
}

export function createDigestIndex(): DigestIndex {
  const shards: (Shard | undefined)[] = new Array(shardCount).fill(undefined)
  let size = 0

  /** The slot of an entry, or minus one less than the free slot where its search ended. */
  function find({ slots }: Shard, first: number, second: number): number {
    const capacity = slots.length / entryWords
    let slot = first % capacity
    for (;;) {
      const at = slot * entryWords
      if (slots[at + 2] === 0) return -slot - 1
      if (slots[at] === first && (slots[at + 1] as number) >>> 16 === second) return slot
      slot = slot + 1 === capacity ? 0 : slot + 1
    }
  }

  function put(shard: Shard, first: number, rest: number, owner: number): void {
    const found = find(shard, first, rest >>> 16)
    const slot = found < 0 ? -found - 1 : found
    if (found < 0) shard.count++
    shard.slots.set([first, rest, owner], slot * entryWords)
  }

  function grow(shard: Shard): void {
    const old = shard.slots
    const capacity = Math.ceil((old.length / entryWords) * growth)
    shard.slots = new Uint32Array(capacity * entryWords)
    shard.count = 0
    for (let at = 0; at < old.length; at += entryWords) {
      if (old[at + 2] !== 0) put(shard, old[at] as number, old[at + 1] as number, old[at + 2] as number)
    }
  }

  /** Entries after the free slot move up, or a search for them would end there. */
  function free({ slots }: Shard, freed: number): void {
    const capacity = slots.length / entryWords
    let hole = freed
    let slot = hole
    for (;;) {
      slot = slot + 1 === capacity ? 0 : slot + 1
      const at = slot * entryWords
      if (slots[at + 2] === 0) break
      const home = (slots[at] as number) % capacity
      const isBetween = hole < slot ? home > hole && home <= slot : home > hole || home <= slot
      if (isBetween) continue
      slots.copyWithin(hole * entryWords, at, at + entryWords)
      hole = slot
    }
    slots.fill(0, hole * entryWords, (hole + 1) * entryWords)
  }

  function deleteOwnersIn(shard: Shard, { likely, has }: OwnerSet): void {
    const { slots } = shard
    let at = 0
    while (at < slots.length) {
      const owner = slots[at + 2] as number
      if (owner !== 0 && likely[owner & 0xffff] === 1 && has(owner, (slots[at + 1] as number) & 0xffff)) {
        free(shard, at / entryWords)
        shard.count--
        size--
        // The entry that has moved up is checked next.
      } else at += entryWords
    }
  }

  return {
    get size() {
      return size
    },
    get bytes() {
      return shards.reduce((sum, shard) => sum + (shard?.slots.byteLength ?? 0), 0)
    },
    has(digest) {
      const shard = shards[digest.charCodeAt(0) & 0xff]
      return shard !== undefined && find(shard, wordAt(digest, 1), halfAt(digest, 5)) >= 0
    },
    add(keyHash, keyId) {
      const number = Number.parseInt(keyHash.slice(0, 2), 16)
      let shard = shards[number]
      if (shard === undefined) {
        shard = { slots: new Uint32Array(firstCapacity * entryWords), count: 0 }
        shards[number] = shard
      }
      if (shard.count + 1 > (shard.slots.length / entryWords) * mostLoad) grow(shard)
      const before = shard.count
      const first = Number.parseInt(keyHash.slice(2, 10), 16)
      const second = Number.parseInt(keyHash.slice(10, 14), 16)
      const owner = ownerOf(keyId)
      put(shard, first, ((second << 16) | owner.high) >>> 0, owner.low)
      size += shard.count - before
    },
    delete(digest) {
      const shard = shards[digest.charCodeAt(0) & 0xff]
      if (shard === undefined) return
      const slot = find(shard, wordAt(digest, 1), halfAt(digest, 5))
      if (slot < 0) return
      free(shard, slot)
      shard.count--
      size--
    },
    deleteOwners(keyIds) {
      const owners = createOwnerSet(keyIds)
      for (const shard of shards) if (shard !== undefined) deleteOwnersIn(shard, owners)
    },
  }
}

function halfAt(digest: string, index: number): number {
  return (digest.charCodeAt(index) << 8) | digest.charCodeAt(index + 1)
}

function wordAt(digest: string, index: number): number {
  return ((halfAt(digest, index) << 16) | halfAt(digest, index + 2)) >>> 0
}

interface Owner {
  readonly low: number
  readonly high: number
}

/** 48 bits of an id, by two runs of FNV-1a. `low` is never 0, which marks a free slot. */
function ownerOf(keyId: string): Owner {
  let low = 0x811c9dc5
  let high = 0x050c5d1f
  for (let index = 0; index < keyId.length; index++) {
    const unit = keyId.charCodeAt(index)
    low = Math.imul(low ^ unit, 0x01000193)
    high = Math.imul(high ^ unit, 0x01000193) ^ (high >>> 15)
  }
  return { low: low >>> 0 === 0 ? 1 : low >>> 0, high: (high ^ (high >>> 16)) & 0xffff }
}

interface OwnerSet {
  /** By the lowest 16 bits of an owner: 0 = not in the set. */
  readonly likely: Uint8Array
  has(low: number, high: number): boolean
}

function createOwnerSet(keyIds: readonly string[]): OwnerSet {
  const likely = new Uint8Array(65_536)
  const owners = new Set<number>()
  for (const keyId of keyIds) {
    const { low, high } = ownerOf(keyId)
    likely[low & 0xffff] = 1
    owners.add(high * 2 ** 32 + low)
  }
  return { likely, has: (low, high) => owners.has(high * 2 ** 32 + low) }
}

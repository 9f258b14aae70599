import {
  createShard,
  entryWords,
  findSlot,
  freeSlot,
  putEntry,
  reserveSlot,
  type Shard,
} from './digest-shard.ts'

const shardCount = 256

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

export function createDigestIndex(): DigestIndex {
  const shards: (Shard | undefined)[] = new Array(shardCount).fill(undefined)
  let size = 0

  return {
    get size() {
      return size
    },
    get bytes() {
      return shards.reduce((sum, shard) => sum + (shard?.slots.byteLength ?? 0), 0)
    },
    has(digest) {
      const shard = shards[digest.charCodeAt(0) & 0xff]
      return shard !== undefined && findSlot(shard, wordAt(digest, 1), halfAt(digest, 5)) >= 0
    },
    add(keyHash, keyId) {
      const number = Number.parseInt(keyHash.slice(0, 2), 16)
      const shard = shards[number] ?? createShard()
      shards[number] = shard
      reserveSlot(shard)
      const before = shard.count
      const first = Number.parseInt(keyHash.slice(2, 10), 16)
      const second = Number.parseInt(keyHash.slice(10, 14), 16)
      const owner = ownerOf(keyId)
      putEntry(shard, first, ((second << 16) | owner.high) >>> 0, owner.low)
      size += shard.count - before
    },
    delete(digest) {
      const shard = shards[digest.charCodeAt(0) & 0xff]
      if (shard === undefined) return
      const slot = findSlot(shard, wordAt(digest, 1), halfAt(digest, 5))
      if (slot < 0) return
      freeSlot(shard, slot)
      size--
    },
    deleteOwners(keyIds) {
      const owners = createOwnerSet(keyIds)
      for (const shard of shards) if (shard !== undefined) size -= deleteOwners(shard, owners)
    },
  }
}

/** @returns how many entries were deleted. */
function deleteOwners(shard: Shard, { likely, has }: OwnerSet): number {
  const { slots, count } = shard
  let at = 0
  while (at < slots.length) {
    const owner = slots[at + 2] as number
    // The entry that moves up is checked next.
    if (owner !== 0 && likely[owner & 0xffff] === 1 && has(owner, (slots[at + 1] as number) & 0xffff))
      freeSlot(shard, at / entryWords)
    else at += entryWords
  }
  return count - shard.count
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

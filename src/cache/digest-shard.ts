/** 32-bit words per entry: with the shard's number, 48 bits of a digest and 48 bits of its owner's id. */
export const entryWords = 3
const firstCapacity = 8
const mostLoad = 0.8
const growth = 1.25

/**
 * Layout of a slot: word 0 holds digest bytes 1 to 4; word 1 bytes 5 and 6, and 16 bits of the owner; word 2
 * the rest of the owner, never 0.
 */
export interface Shard {
  slots: Uint32Array
  count: number
}

export function createShard(): Shard {
  return { slots: new Uint32Array(firstCapacity * entryWords), count: 0 }
}

/** The slot of an entry, or minus one less than the free slot where its search ended. */
export function findSlot({ slots }: Shard, first: number, second: number): number {
  const capacity = slots.length / entryWords
  let slot = first % capacity
  for (;;) {
    const at = slot * entryWords
    if (slots[at + 2] === 0) return -slot - 1
    if (slots[at] === first && (slots[at + 1] as number) >>> 16 === second) return slot
    slot = slot + 1 === capacity ? 0 : slot + 1
  }
}

/** Adds an entry, unless it is there. */
export function putEntry(shard: Shard, first: number, rest: number, owner: number): void {
  const found = findSlot(shard, first, rest >>> 16)
  const slot = found < 0 ? -found - 1 : found
  if (found < 0) shard.count++
  shard.slots.set([first, rest, owner], slot * entryWords)
}

function growShard(shard: Shard): void {
  const old = shard.slots
  const capacity = Math.ceil((old.length / entryWords) * growth)
  shard.slots = new Uint32Array(capacity * entryWords)
  shard.count = 0
  for (let at = 0; at < old.length; at += entryWords) {
    if (old[at + 2] !== 0) putEntry(shard, old[at] as number, old[at + 1] as number, old[at + 2] as number)
  }
}

/** Frees a slot. Entries behind it move up, or a search for them would end there. */
export function freeSlot(shard: Shard, freed: number): void {
  const { slots } = shard
  shard.count--
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

/** Makes room for one more entry. */
export function reserveSlot(shard: Shard): void {
  if (shard.count + 1 > (shard.slots.length / entryWords) * mostLoad) growShard(shard)
}

import type { IpAddress } from '../rules/ip-address.ts'

/** When the bucket of each sender will be full again, in microseconds since an origin. A bucket that is full needs no slot. */
export interface SenderTable {
  /** @returns the sender's slot; -1 = it has none, and so owes nothing. */
  find(mark: number, address: IpAddress): number
  fullAt(slot: number): number
  setFullAt(slot: number, until: number): void
  /** Gives a slot to the sender that was looked for last. */
  insert(until: number, nowUs: number): void
  /** Counts all times from an origin that is so much later. */
  moveOrigin(byUs: number): void
  /** Bytes that the table takes. */
  bytes(): number
}

/** Slots that a sender may use. With their tags they fill one line of the processor's cache, 64 bytes. */
const setSize = 5
const firstSets = 512
/** 2 621 440 slots, 44 MB: a million senders fill less than half of them. */
const maxSets = 524_288
/** Few steps of growth, because each looks at every sender. */
const growth = 4
/** A set is eight numbers: five deadlines, and five tags in the space of the other three. */
const numbersPerSet = 8
const tagsPerSet = 2 * numbersPerSet
const firstTag = 2 * setSize
/**
 * A sender is identified by its set and 32 more bits of a hash with a seed of this process: nobody can look
 * for addresses that share a bucket. When a set is full of senders that owe something, the table grows. At
 * its largest, the sender whose bucket would be full first makes room.
 */
export function createSenderTable(): SenderTable {
  const seed = Math.floor(Math.random() * 2 ** 32) | 0
  let sets = firstSets
  let fullAt = new Float64Array(sets * numbersPerSet)
  let tags = new Int32Array(fullAt.buffer)
  /** Chooses the set, in a table of any size. Stored by slot, because a lookup does not need it. */
  let places = new Int32Array(sets * setSize)
  /** The sender that is being looked at. */
  let tag = 0
  let place = 0

  function find(mark: number, address: IpAddress): number {
    place = hashSender(seed ^ mark, address)
    tag = mix(place ^ 0x3c6ef372 ^ hashSender(~seed ^ Math.imul(mark, 0x9e3779b1), address))
    const set = place & (sets - 1)
    const first = set * tagsPerSet + firstTag
    for (let at = 0; at < setSize; at++) if (tags[first + at] === tag) return set * numbersPerSet + at
    return -1
  }

  function insert(until: number, nowUs: number): void {
    while (sets < maxSets && soonestIn(place & (sets - 1)) > nowUs) grow(nowUs)
    put(place, tag, until)
  }

  function soonestIn(set: number): number {
    let soonest = fullAt[set * numbersPerSet] as number
    for (let at = 1; at < setSize; at++)
      soonest = Math.min(soonest, fullAt[set * numbersPerSet + at] as number)
    return soonest
  }

  /** Replaces the sender of its set whose bucket will be full first. */
  function put(newPlace: number, newTag: number, until: number): void {
    const set = newPlace & (sets - 1)
    const soonest = soonestIn(set)
    let at = 0
    while (fullAt[set * numbersPerSet + at] !== soonest) at++
    fullAt[set * numbersPerSet + at] = until
    tags[set * tagsPerSet + firstTag + at] = newTag
    places[set * setSize + at] = newPlace
  }

  /** A larger set gets senders of one smaller set only, so there is room for all of them. */
  function grow(nowUs: number): void {
    const before = { tags, places, fullAt }
    sets *= growth
    fullAt = new Float64Array(sets * numbersPerSet)
    tags = new Int32Array(fullAt.buffer)
    places = new Int32Array(sets * setSize)
    for (let slot = 0; slot < before.places.length; slot++) {
      const at = slot % setSize
      const set = (slot - at) / setSize
      const until = before.fullAt[set * numbersPerSet + at] as number
      if (until <= nowUs) continue
      put(before.places[slot] as number, before.tags[set * tagsPerSet + firstTag + at] as number, until)
    }
  }

  return {
    find,
    fullAt: (slot) => fullAt[slot] as number,
    setFullAt(slot, until) {
      fullAt[slot] = until
    },
    insert,
    moveOrigin(byUs) {
      for (let first = 0; first < fullAt.length; first += numbersPerSet)
        for (let at = 0; at < setSize; at++) fullAt[first + at] = (fullAt[first + at] as number) - byUs
    },
    bytes: () => fullAt.byteLength + places.byteLength,
  }
}

function hashSender(seed: number, address: IpAddress): number {
  if (typeof address === 'number') return mix(mix(seed) ^ address)
  const upper = mix(mix(seed ^ 0x6a09e667) ^ ((address.charCodeAt(0) << 16) | address.charCodeAt(1)))
  return mix(upper ^ ((address.charCodeAt(2) << 16) | address.charCodeAt(3)))
}

/** The finaliser of MurmurHash3: every bit of the argument affects half of the bits of the result. */
function mix(value: number): number {
  let mixed = value ^ (value >>> 16)
  mixed = Math.imul(mixed, 0x85ebca6b)
  mixed ^= mixed >>> 13
  mixed = Math.imul(mixed, 0xc2b2ae35)
  return mixed ^ (mixed >>> 16)
}

import { type GcraState, settleGcra } from './gcra.ts'

/**
 * The buckets of a memory limiter, three numbers each. Every sender that owes something has one of its own, up
 * to `maxKeys`. In front of them are the shared ones.
 */
export interface BucketSlots {
  /** The slot of a sender's own bucket; undefined when it has none. */
  find(keyId: string): number | undefined
  /** A slot for a new sender; undefined when all are taken by senders that owe something. */
  allocate(nowUs: number): number | undefined
  /** Gives an allocated slot to a sender. */
  assign(keyId: string, slot: number): void
  /** Gives an allocated slot back. */
  release(slot: number): void
  /** Reads a bucket into `state`. @returns its rate, in events per second; 0 = never charged. */
  load(slot: number, state: GcraState): number
  save(slot: number, state: GcraState, eps: number): void
}

/** The first slots are shared. */
export const sharedSlots = 256
/** Per slot: micro-events owed, the microsecond of that, events per second. */
const FIELDS = 3
/**
 * With fewer senders than this, none is looked for that could be forgotten: forgetting and adding again takes
 * longer than all else here.
 */
const KEPT_IDLE = 10_000
const SWEEP_PER_INSERT = 2
const SWEEP_WHEN_FULL = 64

export function createBucketSlots(maxKeys: number): BucketSlots {
  const slots = new Map<string, number>()
  const freeSlots: number[] = []
  let fields = new Float64Array((sharedSlots + Math.min(maxKeys, 64)) * FIELDS)
  let nextSlot = sharedSlots
  let cursor = slots.entries()
  const swept: GcraState = { used: 0, at: 0 }

  function load(slot: number, state: GcraState): number {
    state.used = fields[slot * FIELDS] as number
    state.at = fields[slot * FIELDS + 1] as number
    return fields[slot * FIELDS + 2] as number
  }

  /**
   * Forgets senders that owe nothing. Looks at no more than `count` of them, from where the last sweep ended.
   */
  function sweep(count: number, nowUs: number): void {
    for (let looked = 0; looked < count; looked++) {
      const entry = cursor.next()
      if (entry.done) {
        cursor = slots.entries()
        return
      }
      const [keyId, slot] = entry.value
      const eps = load(slot, swept)
      if (settleGcra(swept, { eps, burst: 1 }, nowUs) > 0) continue
      slots.delete(keyId)
      freeSlots.push(slot)
    }
  }

  return {
    find: (keyId) => slots.get(keyId),
    allocate(nowUs) {
      if (slots.size >= maxKeys) sweep(SWEEP_WHEN_FULL, nowUs)
      else if (slots.size >= KEPT_IDLE) sweep(SWEEP_PER_INSERT, nowUs)
      if (slots.size >= maxKeys) return undefined
      const slot = freeSlots.pop() ?? nextSlot++
      if ((slot + 1) * FIELDS > fields.length) {
        const grown = new Float64Array(Math.ceil((slot + 1) * 1.25) * FIELDS)
        grown.set(fields)
        fields = grown
      }
      return slot
    },
    assign(keyId, slot) {
      slots.set(keyId, slot)
    },
    release(slot) {
      freeSlots.push(slot)
    },
    load,
    save(slot, state, eps) {
      fields[slot * FIELDS] = state.used
      fields[slot * FIELDS + 1] = state.at
      fields[slot * FIELDS + 2] = eps
    },
  }
}

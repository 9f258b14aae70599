import { type BucketSlots, sharedSlots } from './bucket-slots.ts'
import { chargeGcra, type GcraState, peekGcra, settleGcra } from './gcra.ts'
import type { Rate, RateLimitResult } from './rate-limiter.ts'
import { markOf } from './sender-limiter.ts'

/** Buckets for senders that find no room for one of their own. Each drains at the lowest rate among its users. */
export interface SharedBuckets {
  consume(keyId: string, cost: number, rate: Rate, nowUs: number): RateLimitResult
  peek(keyId: string, rate: Rate, nowUs: number, cost?: number): RateLimitResult
  /** Micro-events that a sender takes along when it gets a bucket of its own. */
  owedBy(keyId: string, rate: Rate, nowUs: number): number
}

export function createSharedBuckets(slots: Pick<BucketSlots, 'load' | 'save'>): SharedBuckets {
  const state: GcraState = { used: 0, at: 0 }
  let isUsed = false

  /** The rate at which a shared bucket drains: no faster than any of its users may send. Leaves it in `state`. */
  function loadWithRate(slot: number, rate: Rate, nowUs: number): Rate {
    const eps = slots.load(slot, state)
    if (eps === 0 || eps >= rate.eps) return rate
    const slower = { eps, burst: rate.burst }
    return settleGcra(state, slower, nowUs) === 0 ? rate : slower
  }

  return {
    consume(keyId, cost, rate, nowUs) {
      isUsed = true
      const slot = slotOf(keyId)
      const shared = loadWithRate(slot, rate, nowUs)
      const eps = slots.load(slot, state)
      const result = chargeGcra(state, cost, shared, nowUs)
      // A sender that was refused has put nothing into the bucket, so it must not slow it down for the others.
      slots.save(slot, state, result.allowed ? shared.eps : eps)
      return result
    },
    peek(keyId, rate, nowUs, cost) {
      state.used = 0
      state.at = nowUs
      const shared = isUsed ? loadWithRate(slotOf(keyId), rate, nowUs) : rate
      return peekGcra(state, shared, nowUs, cost)
    },
    owedBy(keyId, rate, nowUs) {
      return isUsed ? settleGcra(state, loadWithRate(slotOf(keyId), rate, nowUs), nowUs) : 0
    },
  }
}

function slotOf(keyId: string): number {
  const mark = markOf(keyId)
  return (mark ^ (mark >>> 16)) & (sharedSlots - 1)
}

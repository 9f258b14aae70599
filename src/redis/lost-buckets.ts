/** Notices a server that loses buckets again and again, as one does that evicts keys. */
export interface LostBuckets {
  /**
   * @param askedAtMs when this process was last told that the bucket is there. @returns whether this is no
   * single loss any more.
   */
  note(askedAtMs: number, nowMs: number): boolean
}

/** Two losses within this time are a habit. */
const habitMs = 60_000

export const evictionMessage =
  'Redis has dropped rate-limit buckets before their time, more than once: it evicts keys or is flushed. ' +
  'Set maxmemory-policy to noeviction, or give it more memory.'

/** A flush, a restart or a failover loses many buckets, but each of them once. */
export function createLostBuckets(): LostBuckets {
  let lastAtMs = Number.NEGATIVE_INFINITY
  return {
    note(askedAtMs, nowMs) {
      // It was there after the last loss was noticed, so it has been lost since.
      const isNew = askedAtMs > lastAtMs
      const isHabit = isNew && nowMs - lastAtMs < habitMs
      if (isNew) lastAtMs = nowMs
      return isHabit
    },
  }
}

/** Detects a server that keeps losing buckets, such as one that evicts keys. */
export interface LostBuckets {
  /**
   * @param askedAtMs when the server last said that the bucket is there. @returns whether this is more than a
   * single loss.
   */
  note(askedAtMs: number, nowMs: number): boolean
}

/** Two losses within this time count as repeated. */
const habitMs = 60_000

export const evictionMessage =
  'Redis has dropped rate-limit buckets before their time, more than once: it evicts keys or is flushed. ' +
  'Set maxmemory-policy to noeviction, or give it more memory.'

/** A flush, a restart or a failover loses many buckets, but each of them once. */
export function createLostBuckets(): LostBuckets {
  let lastAtMs = Number.NEGATIVE_INFINITY
  return {
    note(askedAtMs, nowMs) {
      // The bucket was there after the last noticed loss, so it has been lost again since.
      const isNew = askedAtMs > lastAtMs
      const isHabit = isNew && nowMs - lastAtMs < habitMs
      if (isNew) lastAtMs = nowMs
      return isHabit
    },
  }
}

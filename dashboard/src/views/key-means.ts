import type { Limits, WriteKey } from '../api/wire.ts'

/** What a key gets from its plan, or from the application. Null = no limit; undefined = not known here. */
export interface KeyMeans {
  rate: number | null | undefined
  senderRate: number | null | undefined
}

/**
 * @param stored null: a new key
 * @param plan as typed in the form; empty = the default
 */
export function meansOf(limits: Limits | null, stored: WriteKey | null, plan: string): KeyMeans {
  if (plan.trim() === '') return { rate: limits?.rate_limit_eps, senderRate: limits?.sender_rate_limit_eps }
  if (stored === null || stored.plan !== plan.trim()) return { rate: undefined, senderRate: undefined }
  // What counts for the key is its plan's where it has nothing of its own.
  return {
    rate: stored.rate_limit_eps === null ? stored.effective_rate_limit_eps : undefined,
    senderRate: stored.sender_rate_limit_eps === null ? stored.effective_sender_rate_limit_eps : undefined,
  }
}

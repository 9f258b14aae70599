import type { Clock } from '../runtime/clock.ts'
import type { CompiledKey } from './compiled-key.ts'
import type { WriteKeyEvent } from './decision-event.ts'

const hourMs = 3_600_000
const maxReached = 10_000

/** Reports that a key has reached its rate, once an hour. */
export function createRateNotice(
  clock: Pick<Clock, 'now'>,
  emit: (event: WriteKeyEvent) => void,
): (key: CompiledKey) => void {
  /** By key: when a reached rate was last reported. */
  const reachedAt = new Map<string, number>()

  return ({ id: keyId, ratePolicy }) => {
    const now = clock.now()
    const before = reachedAt.get(keyId)
    if (before !== undefined && Math.abs(now - before) < hourMs) return
    reachedAt.delete(keyId)
    if (reachedAt.size >= maxReached) reachedAt.delete(reachedAt.keys().next().value as string)
    reachedAt.set(keyId, now)
    emit({ type: 'rate_limit_reached', keyId, rateLimitEps: ratePolicy?.rate.eps ?? 0 })
  }
}

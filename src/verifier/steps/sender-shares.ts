import type { Rate, RateLimitResult } from '../../limits/rate-limiter.ts'
import { createSenderLimiter, markOf } from '../../limits/sender-limiter.ts'
import type { IpAddress } from '../../rules/ip-address.ts'
import type { HeldClock } from '../../runtime/clock.ts'
import type { ClientOf } from '../client.ts'
import type { CompiledKey } from '../compiled-key.ts'
import type { WriteKeyEvent } from '../decision-event.ts'
import type { Visit } from '../visit.ts'

export interface SenderSharesOptions {
  /**
   * The limiter's own clock, when the limiter is the default one: held, so that both buckets are charged by
   * one reading.
   */
  bucketClock: HeldClock
  /** Whether `trustedProxies` is unset, so that `X-Forwarded-For` is not looked at. */
  ignoresForwardedFor: boolean
  emit: (event: WriteKeyEvent) => void
}

/** Takes the cost of requests out of their sender's share of the key. */
export interface SenderShares {
  /** Undefined: the key has no shares, or the sender cannot be told from others. */
  consume(visit: Visit, key: CompiledKey, cost: number): RateLimitResult | undefined
  peek(visit: Visit, key: CompiledKey, cost: number): RateLimitResult | undefined
  refund(visit: Visit): void
}

export function createSenderShares(options: SenderSharesOptions, client: ClientOf): SenderShares {
  const limiter = createSenderLimiter(options.bucketClock)
  const told = new Set<string>()

  function tell(keyId: string, cause: 'no_address' | 'forwarded_for'): undefined {
    if (!told.has(cause)) options.emit({ type: 'sender_unknown', keyId, cause })
    told.add(cause)
  }

  /**
   * Behind a proxy that `trustedProxies` does not name, all senders have one address: a share would limit all
   * of them together.
   */
  function senderOf(visit: Visit, keyId: string): IpAddress | undefined {
    const { headers } = visit.request
    const isForwarded = headers['x-forwarded-for'] !== undefined || headers.forwarded !== undefined
    if (options.ignoresForwardedFor && isForwarded) return tell(keyId, 'forwarded_for')
    return client.addressOf(visit)?.parsed ?? tell(keyId, 'no_address')
  }

  return {
    consume(visit, { id, mark, senderPolicy }, cost) {
      const sender = senderPolicy === null ? undefined : senderOf(visit, id)
      if (senderPolicy === null || sender === undefined) return undefined
      const result = limiter.consume(mark, sender, cost, senderPolicy.rate)
      if (result.allowed) {
        visit.chargedSender = cost
        visit.senderRate = senderPolicy.rate
      }
      return result
    },
    peek(visit, { id, mark, senderPolicy }, cost) {
      const sender = senderPolicy === null ? undefined : senderOf(visit, id)
      if (senderPolicy === null || sender === undefined) return undefined
      return limiter.peek(mark, sender, cost, senderPolicy.rate)
    },
    refund(visit) {
      const { chargedSender: cost, address, keyId } = visit
      if (cost === 0) return
      visit.chargedSender = 0
      limiter.refund(markOf(keyId as string), address?.parsed as IpAddress, cost, visit.senderRate as Rate)
    },
  }
}

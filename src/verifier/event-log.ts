import type { WriteKeyEvent } from './decision-event.ts'
import type { Logger } from './logger.ts'

/** Most different faults that are remembered as logged. */
const mostTold = 100

/**
 * Writes the disturbances among events to a logger, each state once. An outage that every request meets is
 * one line, and so is a fault that every request meets.
 */
export function createEventLog(logger: Logger): (event: WriteKeyEvent) => unknown {
  const faults = new Set<string>()
  let toldStale = false

  function isToldAlready(event: WriteKeyEvent): boolean {
    if (event.type === 'store_recovered') toldStale = false
    if (event.type === 'stale_accept') {
      if (toldStale) return true
      toldStale = true
    }
    const error = event.type === 'internal_error' || event.type === 'refused' ? event.error : undefined
    if (error === undefined) return false
    const fault = `${event.type} ${error.message}`
    if (faults.has(fault)) return true
    if (faults.size >= mostTold) faults.clear()
    faults.add(fault)
    return false
  }

  return (event) => (isToldAlready(event) ? undefined : log(logger, event))
}

/** Something in front of us has read the body: a set-up to be fixed, not a fault of ours. */
export function isBodyTaken(error: Error): boolean {
  return (error as { code?: unknown }).code === 'body_taken'
}

function log(logger: Logger, event: WriteKeyEvent): unknown {
  switch (event.type) {
    case 'store_error':
      return logger.error?.({ err: event.error }, 'writekey: the store failed or did not answer in time')
    case 'store_recovered':
      return logger.warn?.({}, 'writekey: the store is back')
    case 'index_missing':
      return logger.warn?.(
        {},
        'writekey: the store does not tell which secrets exist; keys that are not cached can be refused for wrong keys that others send',
      )
    case 'hints_error':
      return logger.warn?.(
        { err: event.error },
        'writekey: hints of changes fail; processes learn of changes by asking the store',
      )
    case 'hints_recovered':
      return logger.warn?.({}, 'writekey: hints of changes are back')
    case 'internal_error':
      if (isBodyTaken(event.error)) {
        return (logger.warn ?? logger.error)?.call(
          logger,
          { err: event.error },
          `writekey: ${event.error.message}`,
        )
      }
      return logger.error?.(
        { err: event.error },
        'writekey: verification failed; the request was refused with 503',
      )
    case 'refused':
      if (event.error === undefined) return undefined
      return logger.error?.(
        { err: event.error, keyId: event.keyId },
        'writekey: onEvents failed; its events were refused with 503 and will be sent again',
      )
    case 'stale_accept':
      return logger.warn?.(
        { keyId: event.keyId },
        'writekey: accepted a cached key while the store is unreachable',
      )
    case 'unknown_plan':
      return logger.warn?.(
        { keyId: event.keyId, plan: event.plan },
        'writekey: a key has a plan that the option plans does not name; the default plan counts',
      )
    case 'ambiguous_path': {
      const [first, second] = event.eventTypes
      return logger.warn?.(
        {},
        `writekey: refused a request to …/${first}/${second}, whose path names two event types; if that is a route of yours, ` +
          'give its writeKeyAuth the option eventType',
      )
    }
    case 'pepper_missing':
      return logger.error?.(
        { err: event.error },
        'writekey: keys that nobody seems to have are answered with 503, as they may be good',
      )
    case 'peppers_unchecked':
      return logger.warn?.(
        {},
        'writekey: the store does not remember what keys were hashed with; where the option pepper is wrong, good keys are refused as unknown',
      )
    case 'forwarded_for_ignored':
      return logger.warn?.(
        {},
        'writekey: a request came with X-Forwarded-For while trustedProxies is not set: where a proxy is in front, every sender ' +
          "has the proxy's address; set trustedProxies to the number of proxies, or to 0 when there is none",
      )
    case 'key_changed': {
      const { keyId, action, actor, address } = event
      return logger.info?.({ keyId, action, actor, address }, `writekey: a key was changed: ${action}`)
    }
    case 'key_expiring':
      return logger.warn?.(
        { keyId: event.keyId, expiresAt: event.expiresAt.toISOString() },
        `writekey: a key ends within ${event.days} ${event.days === 1 ? 'day' : 'days'}`,
      )
    case 'secret_old':
      return logger.warn?.(
        { keyId: event.keyId, secretId: event.secretId },
        `writekey: the secret of a key is ${event.days} days old; rotate it at least quarterly`,
      )
    case 'rate_limit_reached':
      return logger.warn?.(
        { keyId: event.keyId, rateLimitEps: event.rateLimitEps },
        'writekey: a key sends more than it may, and is refused; told once an hour',
      )
    case 'grace_ending':
      return logger.warn?.(
        { keyId: event.keyId, secretId: event.secretId, expiresAt: event.expiresAt.toISOString() },
        'writekey: a rotated secret is still in use, and ends soon',
      )
    case 'sender_unknown':
      return logger.warn?.(
        { keyId: event.keyId },
        event.cause === 'forwarded_for'
          ? 'writekey: senderRateLimitEps does not count for requests with a forwarded address while trustedProxies is not set; set it to the ' +
              'number of proxies, or to 0 when there is none'
          : 'writekey: senderRateLimitEps does not count for requests whose address cannot be told',
      )
    case 'revision_regressed':
      return logger.warn?.(
        {},
        'writekey: the store shows another history, as after a failover or a restore; cached keys were dropped',
      )
    case 'usage_dropped':
      return logger.warn?.(
        { events: event.events, refusals: event.refusals },
        'writekey: counts of usage were given up, as the store did not take them',
      )
    case 'limiter_degraded':
      return logger.warn?.(
        { err: event.error },
        'writekey: the shared limiter is unreachable; limits are kept locally',
      )
    case 'limiter_recovered':
      return logger.warn?.({}, 'writekey: the shared limiter is back')
    default:
      return undefined
  }
}

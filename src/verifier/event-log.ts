import { propertyOf } from '../runtime/thrown.ts'
import type { StorePart, WriteKeyEvent } from './decision-event.ts'
import type { Logger } from './logger.ts'
import { createToldState } from './told-states.ts'

/** Most different faults that are remembered as logged. */
const mostTold = 100

/**
 * Writes the disturbances among events to a logger, each state once. An outage that every request meets is
 * one line, and so is a fault that every request meets. A store that comes and goes, or hints that do, are told as
 * back once that has lasted.
 */
export function createEventLog(logger: Logger): (event: WriteKeyEvent) => unknown {
  const faults = new Set<string>()
  const store = createToldState()
  const hints = createToldState()
  let toldStale = false

  function isToldAlready(event: WriteKeyEvent): boolean {
    if (event.type === 'store_error') return !store.failed(`${event.part} ${propertyOf(event.error, 'code')}`)
    if (event.type === 'hints_error') return !hints.failed('')
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

  return (event) => {
    if (event.type === 'store_recovered') {
      return store.works(() => {
        toldStale = false
        guard(() => log(logger, event))
      })
    }
    if (event.type === 'hints_recovered') return hints.works(() => guard(() => log(logger, event)))
    return isToldAlready(event) ? undefined : log(logger, event)
  }
}

/** Calls a hook of the application. What it throws or rejects with is not the sender's. */
export function guard(call: () => unknown): void {
  try {
    const result = call()
    if (result instanceof Promise) result.catch(() => {})
  } catch {
    // Nobody is there to hear of it.
  }
}

/** Something in front of us has read the body: a set-up to be fixed, not a fault of ours. */
export function isBodyTaken(error: Error): boolean {
  return propertyOf(error, 'code') === 'body_taken'
}

type Level = 'error' | 'warn' | 'info'
type Line = readonly [level: Level, fields: object, text: string]
type EventOf<Type> = Extract<WriteKeyEvent, { type: Type }>

const storeFailures: Readonly<Record<StorePart, string>> = {
  questions: 'the store failed or did not answer in time',
  counts: 'the store takes no counts of usage; they wait in memory',
  index: 'the store does not tell which secrets exist',
  lease: 'the store does not take the lease',
  problems: 'the store does not take or give problems and anomalies',
  decisions: 'the store does not pass decisions on to other processes',
  notices: 'the store does not say which notices have been sent; they are held back',
  closing: 'closing is not complete: a part failed or took too long',
}

/** What the log says to each kind of event; undefined: nothing. */
const lines: { readonly [Type in WriteKeyEvent['type']]?: (event: EventOf<Type>) => Line | undefined } = {
  store_error: ({ error, part }) => ['error', { err: error }, storeFailures[part]],
  store_recovered: () => ['warn', {}, 'the store is back'],
  index_missing: () => [
    'warn',
    {},
    'the store does not tell which secrets exist; keys that are not cached can be refused for wrong keys that others send',
  ],
  hints_error: ({ error }) => [
    'warn',
    { err: error },
    'hints of changes fail; processes learn of changes by asking the store',
  ],
  hints_recovered: () => ['warn', {}, 'hints of changes are back'],
  internal_error: ({ error }) =>
    isBodyTaken(error)
      ? ['warn', { err: error }, error.message]
      : ['error', { err: error }, 'verification failed; the request was refused with 503'],
  refused: ({ error, keyId }) =>
    error && [
      'error',
      { err: error, keyId },
      'onEvents failed; its events were refused with 503 and will be sent again',
    ],
  stale_accept: ({ keyId }) => ['warn', { keyId }, 'accepted a cached key while the store is unreachable'],
  unknown_plan: ({ keyId, plan }) => [
    'warn',
    { keyId, plan },
    'a key has a plan that the option plans does not name; the default plan counts',
  ],
  ambiguous_path: ({ eventTypes: [first, second] }) => [
    'warn',
    {},
    `refused a request to …/${first}/${second}, whose path names two event types; if that is a route of yours, ` +
      'give its writeKeyAuth the option eventType',
  ],
  pepper_missing: ({ error }) => [
    'error',
    { err: error },
    'keys that nobody seems to have are answered with 503, as they may be good',
  ],
  peppers_unchecked: () => [
    'warn',
    {},
    'the store does not remember what keys were hashed with; where the option pepper is wrong, good keys are refused as unknown',
  ],
  forwarded_for_ignored: () => [
    'warn',
    {},
    'a request came with X-Forwarded-For while trustedProxies is not set: where a proxy is in front, every sender ' +
      "has the proxy's address; set trustedProxies to the number of proxies, or to 0 when there is none",
  ],
  key_changed: ({ keyId, action, actor, address }) => [
    'info',
    { keyId, action, actor, address },
    `a key was changed: ${action}`,
  ],
  key_expiring: ({ keyId, expiresAt, days }) => [
    'warn',
    { keyId, expiresAt: expiresAt.toISOString() },
    `a key ends within ${days} ${days === 1 ? 'day' : 'days'}`,
  ],
  secret_old: ({ keyId, secretId, days }) => [
    'warn',
    { keyId, secretId },
    `the secret of a key is ${days} days old; rotate it at least quarterly`,
  ],
  rate_limit_reached: ({ keyId, rateLimitEps }) => [
    'warn',
    { keyId, rateLimitEps },
    'a key sends more than it may, and is refused; told once an hour',
  ],
  grace_ending: ({ keyId, secretId, expiresAt }) => [
    'warn',
    { keyId, secretId, expiresAt: expiresAt.toISOString() },
    'a rotated secret is still in use, and ends soon',
  ],
  sender_unknown: ({ keyId, cause }) => [
    'warn',
    { keyId },
    cause === 'forwarded_for'
      ? 'senderRateLimitEps does not count for requests with a forwarded address while trustedProxies is not set; set it to the ' +
        'number of proxies, or to 0 when there is none'
      : 'senderRateLimitEps does not count for requests whose address cannot be told',
  ],
  revision_regressed: () => [
    'warn',
    {},
    'the store shows another history, as after a failover or a restore; cached keys were dropped',
  ],
  usage_dropped: ({ events, refusals }) => [
    'warn',
    { events, refusals },
    'counts of usage were given up, as the store did not take them',
  ],
  limiter_degraded: ({ error }) => [
    'warn',
    { err: error },
    'the shared limiter is unreachable; limits are kept locally',
  ],
  limiter_recovered: () => ['warn', {}, 'the shared limiter is back'],
}

function log(logger: Logger, event: WriteKeyEvent): unknown {
  const line = lines[event.type] as ((given: WriteKeyEvent) => Line | undefined) | undefined
  const said = line?.(event)
  if (said === undefined) return undefined
  const [level, fields, text] = said
  // A set-up to be fixed must be seen, also where the logger knows errors only.
  if (event.type === 'internal_error')
    return (logger[level] ?? logger.error)?.call(logger, fields, `writekey: ${text}`)
  return logger[level]?.(fields, `writekey: ${text}`)
}

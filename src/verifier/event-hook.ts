import type { WriteKeyEvent } from './decision-event.ts'
import type { Logger } from './logger.ts'

/** Told of every decision and disturbance; never throws. */
export type EventHook = (event: WriteKeyEvent) => void

/**
 * Hands events to the application's hook and the disturbances among them to its logger. Whatever those throw, or
 * reject with later, changes nothing for the request. A body that something in front of us has taken is told of once for each cause.
 */
export function createEventHook(
  onEvent: ((event: WriteKeyEvent) => unknown) | undefined,
  logger: Logger | undefined,
): EventHook {
  /** What has been told of a set-up whose fault every request meets alike. */
  const told = new Set<string>()

  function isToldAlready(event: WriteKeyEvent): boolean {
    if (event.type !== 'internal_error' || !isBodyTaken(event.error)) return false
    const { message } = event.error
    if (told.has(message)) return true
    told.add(message)
    // Nobody listens, and all events are refused.
    if (onEvent === undefined && logger === undefined) process.emitWarning(message, 'WriteKeyWarning')
    return false
  }

  return function emit(event) {
    if (isToldAlready(event)) return
    if (onEvent !== undefined) guard(() => onEvent(event))
    if (logger !== undefined) guard(() => log(logger, event))
  }
}

function isBodyTaken(error: Error): boolean {
  return (error as { code?: unknown }).code === 'body_taken'
}

function guard(call: () => unknown): void {
  try {
    const result = call()
    if (result instanceof Promise) result.catch(() => {})
  } catch {
    // The hook belongs to the application; its faults are not the sender's.
  }
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
    case 'stale_accept':
      return logger.warn?.(
        { keyId: event.keyId },
        'writekey: accepted a cached key while the store is unreachable',
      )
    case 'ambiguous_path': {
      const [first, second] = event.eventTypes
      return logger.warn?.(
        {},
        `writekey: refused a request to …/${first}/${second}, whose path names two event types; if that is a route of yours, ` +
          'give its writeKeyAuth the option eventType',
      )
    }
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

import type { WriteKeyEvent } from './decision-event.ts'

/** Where the package writes what an operator should know: pino's shape, so that a pino logger fits as it is. Either may be left out. */
export interface Logger {
  error?(details: object, message: string): void
  warn?(details: object, message: string): void
}

/**
 * Hands events to the application's hook and the disturbances among them to its logger. Whatever those throw, or
 * reject with later, changes nothing for the request.
 */
export function createEventHook(
  onEvent: ((event: WriteKeyEvent) => unknown) | undefined,
  logger: Logger | undefined,
): (event: WriteKeyEvent) => void {
  return function emit(event) {
    if (onEvent !== undefined) guard(() => onEvent(event))
    if (logger !== undefined) guard(() => log(logger, event))
  }
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
    case 'internal_error':
      return logger.error?.(
        { err: event.error },
        'writekey: verification failed; the request was refused with 503',
      )
    case 'stale_accept':
      return logger.warn?.(
        { keyId: event.keyId },
        'writekey: accepted a cached key while the store is unreachable',
      )
    case 'revision_regressed':
      return logger.warn?.({}, "writekey: the store's revision went back; cached keys were dropped")
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

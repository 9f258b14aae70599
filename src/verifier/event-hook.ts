import type { WriteKeyEvent } from './decision-event.ts'
import { createEventLog, guard, isBodyTaken } from './event-log.ts'
import type { Logger } from './logger.ts'

/** Called for every decision and disturbance; never throws. */
export type EventHook = (event: WriteKeyEvent) => void

/**
 * Hands events to the application's hook, and disturbances among them to its logger. What those throw or
 * reject with changes nothing for the request. A body that something in front of us has taken is reported
 * once for each cause.
 */
export function createEventHook(
  onEvent: ((event: WriteKeyEvent) => unknown) | undefined,
  logger: Logger | undefined,
): EventHook {
  /** Faults of the set-up that were reported already: every request meets them alike. */
  const told = new Set<string>()
  const log = logger && createEventLog(logger)

  function isToldAlready(event: WriteKeyEvent): boolean {
    if (event.type !== 'internal_error' || !isBodyTaken(event.error)) return false
    const { message } = event.error
    if (told.has(message)) return true
    told.add(message)
    return false
  }

  return function emit(event) {
    if (isToldAlready(event)) return
    if (onEvent !== undefined) guard(() => onEvent(event))
    if (log !== undefined) guard(() => log(event))
  }
}

/**
 * A timer that does not keep the process running. Timers of Workers never do, and are numbers in older
 * versions.
 */
export function inBackground<T extends object>(timer: T): T {
  ;(timer as { unref?(): void }).unref?.()
  return timer
}

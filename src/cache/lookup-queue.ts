import type { Awaitable } from '../runtime/awaitable.ts'
import { atDeadline, storeDeadlineMs, timeoutError } from '../runtime/deadline.ts'
import { StoreError } from '../runtime/errors.ts'

const maxConcurrent = 32
/** Most lookups of unknown keys that may wait; the number of existing keys is limited anyway. */
const maxStrangers = 4_096

/**
 * Keeps lookups few and short: a fixed number at once, none waiting longer than the store's deadline,
 * existing keys first.
 */
export interface LookupQueue {
  /**
   * Resolves to the function that leaves the queue.
   * @param isKnown whether the key is known to exist.
   * @throws StoreError when too many unknown keys wait, or the wait was too long.
   */
  enter(isKnown: boolean): Awaitable<() => void>
}

export function createLookupQueue(): LookupQueue {
  let active = 0
  const known = new Set<() => void>()
  const strangers = new Set<() => void>()

  function leave(): void {
    active--
    const lane = known.size > 0 ? known : strangers
    const next = lane.values().next().value
    if (next !== undefined) {
      lane.delete(next)
      active++
      next()
    }
  }

  /** A function that leaves once, however often it is called. */
  function leaveOnce(): () => void {
    let left = false
    return () => {
      if (!left) leave()
      left = true
    }
  }

  return {
    enter(isKnown) {
      if (active < maxConcurrent) {
        active++
        return leaveOnce()
      }
      const lane = isKnown ? known : strangers
      if (!isKnown && strangers.size >= maxStrangers) {
        throw new StoreError('store_overloaded', 'Too many lookups are waiting for the store.')
      }
      return new Promise((resolve, reject) => {
        const admit = () => {
          cancel()
          resolve(leaveOnce())
        }
        const cancel = atDeadline(storeDeadlineMs, () => {
          lane.delete(admit)
          reject(timeoutError())
        })
        lane.add(admit)
      })
    },
  }
}

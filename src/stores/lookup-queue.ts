import type { Awaitable } from '../keys/awaitable.ts'
import { StoreError } from '../keys/errors.ts'
import { storeDeadlineMs, timeoutError } from './deadline.ts'

const maxConcurrent = 32
const maxWaiting = 4_096

/** Keeps lookups few and short: so many at once, so many waiting, none longer than the store's deadline. */
export interface LookupQueue {
  /** Gives the function that leaves the queue again. @throws StoreError when it is full or the wait was too long. */
  enter(): Awaitable<() => void>
}

export function createLookupQueue(): LookupQueue {
  let active = 0
  const waiting = new Set<() => void>()

  function leave(): void {
    active--
    const next = waiting.values().next().value
    if (next !== undefined) {
      waiting.delete(next)
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
    enter() {
      if (active < maxConcurrent) {
        active++
        return leaveOnce()
      }
      if (waiting.size >= maxWaiting) {
        throw new StoreError('store_overloaded', 'Too many lookups are waiting for the store.')
      }
      return new Promise((resolve, reject) => {
        const admit = () => {
          clearTimeout(timer)
          resolve(leaveOnce())
        }
        const timer = setTimeout(() => {
          waiting.delete(admit)
          reject(timeoutError())
        }, storeDeadlineMs)
        waiting.add(admit)
      })
    },
  }
}

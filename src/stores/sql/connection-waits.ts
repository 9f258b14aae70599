import { atDeadline } from '../../runtime/deadline.ts'
import { StoreError } from '../../runtime/errors.ts'
import { firstWaitMs } from './connections.ts'

/** Those who wait for a connection, in the order in which they came. */
export interface ConnectionWaits<Connection> {
  count(): number
  /** @throws StoreError `store_timeout` */
  add(deadlineMs: number): Promise<Connection>
  serve(connection: Connection): void
  /** @param since whom it is told: the first, if it has waited since this moment of `performance.now()`. */
  fail(error: unknown, since?: number): void
}

interface Waiter<Connection> {
  readonly since: number
  resolve(connection: Connection): void
  reject(error: unknown): void
}

/**
 * @param isLent whether a connection may come back from others: then a wait is as long as a statement may take.
 * @param onGivenUp called when one waits no longer.
 */
export function createConnectionWaits<Connection>(
  isLent: () => boolean,
  onGivenUp: () => void,
): ConnectionWaits<Connection> {
  const waiters = new Set<Waiter<Connection>>()
  const next = () => {
    const [first] = waiters
    if (first !== undefined) waiters.delete(first)
    return first
  }
  return {
    count: () => waiters.size,
    add(deadlineMs) {
      return new Promise((resolve, reject) => {
        const giveUp = () => {
          waiters.delete(waiter)
          reject(tookTooLong())
          onGivenUp()
        }
        const soonMs = Math.min(deadlineMs, firstWaitMs)
        let cancel = atDeadline(soonMs, () => {
          if (deadlineMs > soonMs && isLent()) cancel = atDeadline(deadlineMs - soonMs, giveUp)
          else giveUp()
        })
        const waiter: Waiter<Connection> = {
          since: performance.now(),
          resolve(connection) {
            cancel()
            resolve(connection)
          },
          reject(error) {
            cancel()
            reject(error)
          },
        }
        waiters.add(waiter)
      })
    },
    serve: (connection) => next()?.resolve(connection),
    fail(error, since = Number.POSITIVE_INFINITY) {
      const [first] = waiters
      if (first !== undefined && first.since <= since) next()?.reject(error)
    },
  }
}

export function tookTooLong(): StoreError {
  return new StoreError('store_timeout', 'The database did not take a connection in time.')
}

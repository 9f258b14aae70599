import { aliveWithinMs } from './connections.ts'
import { oneAtATime } from './one-at-a-time.ts'

/**
 * Asks a server whether it accepts connections, by making one, for all statements of a store that wait: never over two
 * at a time, and not again while an answer is new.
 */
export function createAliveness(ask: () => Promise<boolean>): () => Promise<boolean> {
  let answeredAt = Number.NEGATIVE_INFINITY
  const askForAll = oneAtATime(async () => {
    const isAlive = await ask()
    if (isAlive) answeredAt = performance.now()
    return isAlive
  })
  return async () => performance.now() - answeredAt < aliveWithinMs || askForAll()
}

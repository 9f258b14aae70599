import { mkdirSync, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Runs one task at a time, whichever process it is of. The lock is a folder.
 *
 * @param abandonedAfterMs since when a lock is one that a killed run has left behind
 */
export async function withLock<Result>(
  lock: string,
  abandonedAfterMs: number,
  task: () => Promise<Result>,
): Promise<Result> {
  mkdirSync(dirname(lock), { recursive: true })
  for (;;) {
    try {
      mkdirSync(lock)
      break
    } catch {
      const madeAt = statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now()
      if (Date.now() - madeAt > abandonedAfterMs) rmSync(lock, { recursive: true, force: true })
      await sleep(100)
    }
  }
  try {
    return await task()
  } finally {
    rmSync(lock, { recursive: true, force: true })
  }
}

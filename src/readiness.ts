import type { KeyCache } from './cache/key-cache-interface.ts'
import type { Outage } from './cache/outages.ts'
import type { PepperCheck } from './cache/pepper-check.ts'
import { withDeadline } from './runtime/deadline.ts'
import { closedError, toStoreError } from './runtime/errors.ts'
import type { KeyStore, PollAnswer } from './stores/key-store.ts'

/**
 * A store may make its tables before its first answer. One that hangs is given up after this many
 * milliseconds.
 */
const startUpMs = 20_000

/** Pause before a question that took too long is asked again, in milliseconds. */
const againMs = 100

/** What verification asks of a store includes a look-up. No secret has this hash. */
const nobodys = '0'.repeat(64)

export interface ReadinessParts {
  store: KeyStore
  cache: Pick<KeyCache<never>, 'refresh' | 'warmUp'>
  peppers: Pick<PepperCheck, 'see' | 'missing'>
  /** The outages of questions to the store. */
  questions: Outage
  hasClosed: () => boolean
}

/** @throws StoreError when good requests would be refused: why the store does not answer. */
export async function assertReady({
  store,
  cache,
  peppers,
  questions,
  hasClosed,
}: ReadinessParts): Promise<void> {
  if (hasClosed()) throw closedError()
  const endsAt = performance.now() + startUpMs
  try {
    peppers.see(await firstAnswer(store, endsAt))
    questions.ended()
  } catch (error) {
    questions.began(error)
    throw toStoreError(error)
  }
  await cache.refresh()
  const missing = peppers.missing()
  if (missing !== undefined) throw missing
  await cache.warmUp(Math.max(1, endsAt - performance.now()))
}

/** A database that is far away, or slow to connect, may need longer for its first answer than a question has. */
async function firstAnswer(store: KeyStore, endsAt: number): Promise<PollAnswer> {
  for (;;) {
    const leftMs = Math.max(1, endsAt - performance.now())
    try {
      return await withDeadline(store.poll({ since: null, keyHash: nobodys }), leftMs)
    } catch (error) {
      const isSlow = (error as { code?: unknown } | null)?.code === 'store_timeout'
      if (!isSlow || performance.now() + againMs >= endsAt) throw error
      await new Promise((resolve) => setTimeout(resolve, againMs))
    }
  }
}

import { withDeadline } from '../../runtime/deadline.ts'
import { type Connections, endingMs } from './connections.ts'

/** Longest time in milliseconds for calls under way before they are cut off. */
const callsMs = 2_000

/** Closes what a store has open, within seconds even when the database hangs. */
export async function closeInTime(
  calls: ReadonlySet<Promise<unknown>>,
  stopListening: (() => Promise<void>) | undefined,
  connecting: Promise<Connections> | undefined,
): Promise<void> {
  await atMost(callsMs, Promise.allSettled(calls))
  const connections = connecting?.catch(() => undefined)
  await atMost(
    endingMs,
    Promise.allSettled([stopListening?.(), connections?.then((opened) => opened?.close())]),
  )
  // mysql2 says that it has ended while calls still hang.
  await atMost(endingMs, Promise.resolve(connections?.then((opened) => opened?.cut?.())))
}

async function atMost(ms: number, work: Promise<unknown>): Promise<void> {
  await withDeadline(work, ms, () => undefined)
}

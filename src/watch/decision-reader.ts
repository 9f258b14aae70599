import type { DecisionPage, FleetStore } from '../stores/fleet-store.ts'
import { parsePageBody } from './decision-page.ts'
import type { RecentDecisions } from './recent-decisions.ts'

export interface DecisionReaderOptions {
  store: Pick<FleetStore, 'look' | 'read'>
  /** This process, whose own pages are left out. */
  processId: string
  decisions: Pick<RecentDecisions, 'take' | 'skip'>
  /** Puts a question to the store; undefined when it failed. */
  ask: <T>(question: () => T) => Promise<Awaited<T> | undefined>
}

/** Reads what other processes have decided. */
export interface DecisionReader {
  /** Calls made meanwhile share the reading under way. */
  read(): Promise<void>
  close(): void
}

/** How long a look lasts without renewal, and how often it is renewed. */
const lookMs = 15_000
const renewEveryMs = 5_000
const maxProcesses = 1_000

export function createDecisionReader({
  store,
  processId,
  decisions,
  ask,
}: DecisionReaderOptions): DecisionReader {
  let reading: Promise<void> | undefined
  let lookedAt = Number.NEGATIVE_INFINITY
  let closed = false
  /** By process: the newest page that was read, and the newest decision in it. */
  const known = new Map<string, { page: number; decision: number }>()

  async function readOnce(): Promise<void> {
    const numbers = new Map([...known].map(([process, { page }]) => [process, page]))
    numbers.set(processId, Number.MAX_SAFE_INTEGER)
    // One question, so that a store that takes one half and refuses the other fails once.
    const pages = await ask(async () => {
      const now = performance.now()
      if (now - lookedAt >= renewEveryMs) {
        lookedAt = now
        await store.look(lookMs)
      }
      return store.read(numbers)
    })
    for (const one of pages ?? []) if (!closed) takeIn(one)
    for (const process of known.keys()) if (known.size > maxProcesses) known.delete(process)
  }

  function takeIn({ process, number, body }: DecisionPage): void {
    const before = known.get(process) ?? { page: 0, decision: 0 }
    if (process === processId || number <= before.page) return
    let latest = before.decision
    const { skipped, decisions: told } = parsePageBody(body)
    if (skipped > 0) decisions.skip(skipped)
    for (const decision of told) {
      // Somebody who looks again gets what came before again.
      if (decision.id <= before.decision) continue
      latest = Math.max(latest, decision.id)
      decisions.take(decision)
    }
    known.delete(process)
    known.set(process, { page: number, decision: latest })
  }

  return {
    read() {
      reading ??= readOnce().finally(() => {
        reading = undefined
      })
      return reading
    },
    close() {
      closed = true
    },
  }
}

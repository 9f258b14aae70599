import { inBackground } from '../runtime/timers.ts'
import type { DecisionPage, FleetStore } from '../stores/fleet-store.ts'
import { parsePageBody } from './decision-page.ts'
import { createDecisionTeller, tellEveryMs } from './decision-teller.ts'
import type { RecentDecision } from './recent-decision.ts'
import type { ProcessNames, RecentDecisions } from './recent-decisions.ts'

/**
 * Shares decisions between processes: publishes this one's while somebody looks, and reads the others' while
 * somebody looks here.
 */
export interface DecisionSharing {
  /** A decision of this process. */
  note(decision: RecentDecision): void
  /** Whether somebody looks, here or at another process, according to the store. */
  told(isWatched: boolean): void
  /** Somebody begins to look here. @returns a function that ends it. */
  look(): () => void
  /** Reads what others have to tell now. When looking has just begun, it first gives them time to answer. */
  hear(): Promise<void>
  close(): void
}

export interface DecisionSharingOptions {
  store: FleetStore
  process: ProcessNames
  decisions: Pick<RecentDecisions, 'list' | 'take' | 'skip'>
  /** How many decisions were not described one by one since the last call. */
  takeSkipped: () => number
  /**
   * How often this process asks the store what changed, in milliseconds, and so learns that somebody looks.
   */
  pollMs: () => number
  onStoreError: (error: unknown) => void
  onStoreAnswer: () => void
}

/** How long a look lasts without renewal, and how often it is renewed. */
const lookMs = 15_000
const renewEveryMs = 5_000
/** How long a single request counts as looking. */
const onceMs = 10_000
const maxProcesses = 1_000

export function createDecisionSharing(options: DecisionSharingOptions): DecisionSharing {
  const { store, decisions } = options
  let hearing: NodeJS.Timeout | undefined
  let reading: Promise<void> | undefined
  let lookers = 0
  let lookedAt = Number.NEGATIVE_INFINITY
  let beganAt = Number.NEGATIVE_INFINITY
  let closed = false
  /** By process: the newest page that was read, and the newest decision in it. */
  const known = new Map<string, { page: number; decision: number }>()

  async function ask<T>(question: () => T): Promise<Awaited<T> | undefined> {
    try {
      const answer = await question()
      options.onStoreAnswer()
      return answer
    } catch (error) {
      if (!closed) options.onStoreError(error)
      return undefined
    }
  }

  const teller = createDecisionTeller({
    store,
    processId: options.process.id,
    list: decisions.list,
    takeSkipped: options.takeSkipped,
    ask,
  })

  function read(): Promise<void> {
    reading ??= readOnce().finally(() => {
      reading = undefined
    })
    return reading
  }

  async function readOnce(): Promise<void> {
    const now = performance.now()
    if (now - lookedAt >= renewEveryMs) {
      lookedAt = now
      await ask(() => store.look(lookMs))
    }
    const numbers = new Map([...known].map(([process, { page }]) => [process, page]))
    numbers.set(options.process.id, Number.MAX_SAFE_INTEGER)
    for (const one of (await ask(() => store.read(numbers))) ?? []) if (!closed) takeIn(one)
    for (const process of known.keys()) if (known.size > maxProcesses) known.delete(process)
  }

  function takeIn({ process, number, body }: DecisionPage): void {
    const before = known.get(process) ?? { page: 0, decision: 0 }
    if (process === options.process.id || number <= before.page) return
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
    note(decision) {
      if (teller.isTelling()) teller.note(decision)
    },

    told(isWatched) {
      if (isWatched === teller.isTelling() || closed) return
      if (isWatched) teller.begin()
      else teller.end()
    },

    look() {
      lookers++
      if (hearing === undefined && !closed) {
        beganAt = performance.now()
        hearing = inBackground(setInterval(read, tellEveryMs))
        void read()
      }
      let hasLeft = false
      return () => {
        if (hasLeft) return
        hasLeft = true
        lookers--
        if (lookers > 0) return
        clearInterval(hearing)
        hearing = undefined
      }
    },

    async hear() {
      const leave = this.look()
      inBackground(setTimeout(leave, onceMs))
      await read()
      // Others learn of it with their next question to the store, and answer at once.
      const answeredMs = Math.min(500, options.pollMs()) * 1.2 + tellEveryMs
      const waitMs = beganAt + answeredMs - performance.now()
      if (waitMs <= 0) return
      await new Promise((resolve) => inBackground(setTimeout(resolve, waitMs)))
      await read()
    },

    close() {
      closed = true
      teller.end()
      clearInterval(hearing)
    },
  }
}

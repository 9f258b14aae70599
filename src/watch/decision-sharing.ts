import type { Outage } from '../cache/outages.ts'
import { inBackground } from '../runtime/timers.ts'
import type { FleetStore } from '../stores/fleet-store.ts'
import { createDecisionReader } from './decision-reader.ts'
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
  outageOf: (part: 'decisions') => Outage
}

/** How long a single request counts as looking. */
const onceMs = 10_000

export function createDecisionSharing(options: DecisionSharingOptions): DecisionSharing {
  const { store, decisions } = options
  const outage = options.outageOf('decisions')
  let hearing: NodeJS.Timeout | undefined
  let lookers = 0
  let beganAt = Number.NEGATIVE_INFINITY
  let closed = false
  async function ask<T>(question: () => T): Promise<Awaited<T> | undefined> {
    try {
      const answer = await question()
      outage.ended()
      return answer
    } catch (error) {
      if (!closed) outage.began(error)
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

  const reader = createDecisionReader({ store, processId: options.process.id, decisions, ask })

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
        hearing = inBackground(setInterval(reader.read, tellEveryMs))
        void reader.read()
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
      await reader.read()
      // Others learn of it with their next question to the store, and answer at once.
      const answeredMs = Math.min(500, options.pollMs()) * 1.2 + tellEveryMs
      const waitMs = beganAt + answeredMs - performance.now()
      if (waitMs <= 0) return
      // Not in the background: a script that waits for nothing else would end before its answer.
      await new Promise((resolve) => setTimeout(resolve, waitMs))
      await reader.read()
    },

    close() {
      closed = true
      reader.close()
      teller.end()
      clearInterval(hearing)
    },
  }
}

import { inBackground } from '../runtime/timers.ts'
import type { FleetStore } from '../stores/fleet-store.ts'
import { toPageBody } from './decision-page.ts'
import { createFairShares } from './fair-shares.ts'
import type { RecentDecision } from './recent-decision.ts'

export interface DecisionTellerOptions {
  store: Pick<FleetStore, 'put'>
  processId: string
  /** What this process knows about. */
  list: () => readonly RecentDecision[]
  takeSkipped: () => number
  /** Asks the store; undefined when it does not answer. */
  ask: <T>(question: () => T) => Promise<Awaited<T> | undefined>
}

/** Publishes this process's decisions to others, from `begin` to `end`. */
export interface DecisionTeller {
  isTelling(): boolean
  begin(): void
  note(decision: RecentDecision): void
  end(): void
}

/** How often decisions are published and read, in milliseconds. */
export const tellEveryMs = 400
/** Decisions in a page, shared fairly by the keys. */
const maxInPage = 100
/** Published at once when somebody begins to look. */
const maxAtFirst = 100

export function createDecisionTeller(options: DecisionTellerOptions): DecisionTeller {
  const { store, processId, ask } = options
  let outbox = newOutbox()
  let left = 0
  let page = 0
  let telling: NodeJS.Timeout | undefined
  let isPutting = false

  function begin(): void {
    outbox = newOutbox()
    left = 0
    options.takeSkipped()
    for (const decision of options.list().filter(isOwn).slice(-maxAtFirst)) note(decision)
    telling = inBackground(setInterval(tell, tellEveryMs))
    tell()
  }

  const isOwn = ({ ref }: RecentDecision) => ref.startsWith(`${processId}-`)

  function note(decision: RecentDecision): void {
    const { keyId, reason } = decision
    const before = outbox.size()
    outbox.set(keyId === null || reason === null ? keyId : `refused ${keyId}`, decision.id, decision)
    if (outbox.size() === before) left++
  }

  function tell(): void {
    const skipped = left + options.takeSkipped()
    if (isPutting || (outbox.size() === 0 && skipped === 0)) {
      left = skipped
      return
    }
    const told = outbox.all().sort((one, other) => one.id - other.id)
    outbox = newOutbox()
    left = 0
    isPutting = true
    const put = { process: processId, number: ++page, body: toPageBody(told, skipped) }
    void ask(async () => {
      await store.put(put)
      return true
    }).then((isPut) => {
      isPutting = false
      if (isPut !== true) left += told.length + skipped
    })
  }

  return {
    isTelling: () => telling !== undefined,
    begin,
    note,
    end() {
      clearInterval(telling)
      telling = undefined
      outbox = newOutbox()
    },
  }
}

function newOutbox() {
  return createFairShares<string | null, number, RecentDecision>(maxInPage)
}

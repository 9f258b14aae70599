import { randomBase62 } from '../runtime/base62.ts'
import { nodeOs } from '../runtime/built-ins.ts'
import { inBackground } from '../runtime/timers.ts'
import type { DecisionPage, FleetStore } from '../stores/fleet-store.ts'
import { createFairShares } from './fair-shares.ts'
import type { RecentDecision } from './recent-decision.ts'
import type { ProcessNames, RecentDecisions } from './recent-decisions.ts'
import { toAsciiJson } from './sightings.ts'

/** What a process tells others of its decisions while somebody looks, and hears of theirs while somebody looks here. */
export interface DecisionSharing {
  /** A decision of this process. */
  note(decision: RecentDecision): void
  /** Whether somebody looks, here or at another process, as the store says. */
  told(isWatched: boolean): void
  /** Somebody begins to look here. @returns a function that ends it. */
  look(): () => void
  /** Hears what others have to tell now; of a look that has just begun, after they had the time to answer. */
  hear(): Promise<void>
  close(): void
}

export interface DecisionSharingOptions {
  store: FleetStore
  process: ProcessNames
  decisions: Pick<RecentDecisions, 'list' | 'take' | 'skip'>
  /** How many decisions were not described one by one since it was last asked. */
  takeSkipped: () => number
  /** How often this process asks the store what changed, in milliseconds, and so hears that somebody looks. */
  pollMs: () => number
  onStoreError: (error: unknown) => void
  onStoreAnswer: () => void
}

/** How often decisions are put and read, in milliseconds. */
const tellEveryMs = 400
/** How long a look lasts that is not renewed, and how often it is. */
const lookMs = 15_000
const renewEveryMs = 5_000
/** How long whoever asks once is taken to look. */
const onceMs = 10_000
/** Decisions in a page, shared fairly by the keys; and characters. */
const maxInPage = 100
const maxCharacters = 250_000
/** Told of at once when somebody begins to look. */
const maxAtFirst = 100
const maxProcesses = 1_000

/** A process as others see it. */
export function nameProcess(name: string | undefined): ProcessNames {
  return { id: randomBase62(16), name: name ?? `${hostName().slice(0, 60)}:${process.pid}` }
}

/** Workers have no host, nor `node:os` before 2025-09. */
function hostName(): string {
  return nodeOs()?.hostname?.() ?? 'worker'
}

export function createDecisionSharing(options: DecisionSharingOptions): DecisionSharing {
  const { store, decisions } = options
  let outbox = newOutbox()
  let left = 0
  let page = 0
  let telling: NodeJS.Timeout | undefined
  let hearing: NodeJS.Timeout | undefined
  let isPutting = false
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

  function begin(): void {
    outbox = newOutbox()
    left = 0
    options.takeSkipped()
    for (const decision of decisions.list().filter(isOwn).slice(-maxAtFirst)) note(decision)
    telling = inBackground(setInterval(tell, tellEveryMs))
    tell()
  }

  const isOwn = ({ ref }: RecentDecision) => ref.startsWith(`${options.process.id}-`)

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
    const put = { process: options.process.id, number: ++page, body: toBody(told, skipped) }
    void ask(async () => {
      await store.put(put)
      return true
    }).then((isPut) => {
      isPutting = false
      if (isPut !== true) left += told.length + skipped
    })
  }

  function toBody(told: readonly RecentDecision[], skipped: number): string {
    const parts: string[] = []
    let characters = 0
    let omitted = skipped
    for (const decision of told) {
      const text = toAsciiJson(decision)
      if (characters + text.length > maxCharacters) omitted++
      else parts.push(text)
      characters += text.length
    }
    return `{"skipped":${omitted},"decisions":[${parts.join(',')}]}`
  }

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
    const { skipped, decisions: told } = parsePage(body)
    if (skipped > 0) decisions.skip(skipped)
    for (const decision of told) {
      // Those who look for the second time are told again what came before.
      if (decision.id <= before.decision) continue
      latest = Math.max(latest, decision.id)
      decisions.take(decision)
    }
    known.delete(process)
    known.set(process, { page: number, decision: latest })
  }

  return {
    note(decision) {
      if (telling !== undefined) note(decision)
    },

    told(isWatched) {
      if (isWatched === (telling !== undefined) || closed) return
      if (isWatched) return begin()
      clearInterval(telling)
      telling = undefined
      outbox = newOutbox()
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
      // Others hear of it with their next question to the store, and answer at once.
      const answeredMs = Math.min(500, options.pollMs()) * 1.2 + tellEveryMs
      const waitMs = beganAt + answeredMs - performance.now()
      if (waitMs <= 0) return
      await new Promise((resolve) => inBackground(setTimeout(resolve, waitMs)))
      await read()
    },

    close() {
      closed = true
      clearInterval(telling)
      clearInterval(hearing)
      telling = undefined
    },
  }
}

function newOutbox() {
  return createFairShares<string | null, number, RecentDecision>(maxInPage)
}

const unknown: Omit<RecentDecision, 'id' | 'ref' | 'process' | 'at'> = {
  keyId: null,
  secretId: null,
  reason: null,
  status: 0,
  method: null,
  path: null,
  events: 0,
  rejected: 0,
  types: [],
  names: [],
  origin: null,
  address: null,
  sdk: null,
  bytes: null,
  tookMs: null,
  isTest: false,
  headers: null,
  payload: null,
}

/** What another process wrote, perhaps of another version. */
function parsePage(body: string): { skipped: number; decisions: RecentDecision[] } {
  try {
    const { skipped, decisions } = JSON.parse(body) as { skipped?: unknown; decisions?: unknown }
    const list = Array.isArray(decisions) ? (decisions as Partial<RecentDecision>[]) : []
    return {
      skipped: Number.isSafeInteger(skipped) ? (skipped as number) : 0,
      decisions: list
        .filter(
          ({ id, ref, at }) => Number.isSafeInteger(id) && typeof ref === 'string' && Number.isFinite(at),
        )
        .map((decision) => ({ ...unknown, ...decision }) as RecentDecision),
    }
  } catch {
    return { skipped: 0, decisions: [] }
  }
}

import { withDeadline } from '../runtime/deadline.ts'
import { inBackground } from '../runtime/timers.ts'
import type { Activity } from '../watch/activity.ts'
import type { RecentDecision } from '../watch/recent-decision.ts'
import { type DecisionFilter, matchesFilter } from '../watch/recent-decisions.ts'

/** Decisions that wait for a slow reader. Beyond that the oldest are left out. */
const maxWaiting = 500
/** Proxies close connections that are silent for a minute. */
const heartbeatMs = 15_000
/** How often a stream checks that its reader may still read, and how long it waits for the answer. */
const accessCheckMs = 2_000
const encoder = new TextEncoder()

export interface DecisionStreamOptions {
  toJson: (decisions: readonly RecentDecision[]) => Promise<readonly unknown[]>
  isStillAllowed: () => Promise<boolean>
}

/**
 * Recent decisions and those that follow as server-sent events, until the reader leaves. A reader that is
 * slower than the traffic misses decisions and is told how many. It never delays a request or makes memory
 * grow. It ends within 5 s when the reader loses the right to read.
 */
export function createDecisionStream(
  decisions: Activity['decisions'],
  filter: DecisionFilter,
  limit: number,
  { toJson, isStillAllowed }: DecisionStreamOptions,
): ReadableStream<Uint8Array> {
  const backlog = createBacklog(filter)
  let isEnded = false
  let leave = () => {}
  let heartbeat: NodeJS.Timeout | undefined
  let accessCheck: NodeJS.Timeout | undefined

  function stop(): void {
    isEnded = true
    leave()
    clearInterval(heartbeat)
    clearTimeout(accessCheck)
    backlog.wake()
  }

  function end(controller: ReadableStreamDefaultController<Uint8Array>): void {
    if (isEnded) return
    stop()
    controller.close()
  }

  function checkLater(controller: ReadableStreamDefaultController<Uint8Array>): void {
    accessCheck = setTimeout(async () => {
      // No answer from the application means no.
      if (await withDeadline(isStillAllowed(), accessCheckMs, () => false)) {
        if (!isEnded) checkLater(controller)
        return
      }
      // The reader may not see what has been decided since.
      backlog.take()
      end(controller)
    }, accessCheckMs)
    inBackground(accessCheck)
  }

  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const { known, isRestarted } = listAfter(decisions, filter, limit)
        controller.enqueue(encoder.encode(isRestarted ? 'event: restart\ndata: {}\n\n' : ': hello\n\n'))
        backlog.begin(known)
        leave = decisions.subscribe(backlog.add, backlog.close, backlog.miss)
        heartbeat = setInterval(() => {
          if ((controller.desiredSize ?? 0) > 0) controller.enqueue(encoder.encode(': still here\n\n'))
        }, heartbeatMs)
        inBackground(heartbeat)
        checkLater(controller)
      },
      async pull(controller) {
        if (!isEnded) await backlog.filled()
        if (isEnded) return
        const { waiting, missed } = backlog.take()
        const note = missed === 0 ? '' : `event: missed\ndata: {"count":${missed}}\n\n`
        const json = await toJson(waiting)
        if (isEnded) return
        const text = note + waiting.map((decision, index) => toMessage(decision, json[index])).join('')
        if (text !== '') controller.enqueue(encoder.encode(text))
        // A server that is shutting down must not wait for watchers.
        if (backlog.isClosed()) end(controller)
      },
      cancel: stop,
    },
    { highWaterMark: 1 },
  )
}

/** What a reader has not been sent yet. */
function createBacklog(filter: DecisionFilter) {
  let waiting: RecentDecision[] = []
  let missed = 0
  let isClosed = false
  let resolveFilled: (() => void) | undefined
  const wake = () => resolveFilled?.()

  return {
    wake,
    begin(known: RecentDecision[]) {
      waiting = known
    },
    add(decision: RecentDecision) {
      if (!matchesFilter(decision, filter)) return
      waiting.push(decision)
      if (waiting.length > maxWaiting) {
        waiting.shift()
        missed++
      }
      wake()
    },
    miss(count: number) {
      missed += count
      wake()
    },
    /** No more will come. */
    close() {
      isClosed = true
      wake()
    },
    isClosed: () => isClosed,
    /** Resolves when there is something to send, when no more will come, or when somebody wakes it. */
    async filled() {
      if (waiting.length > 0 || missed > 0 || isClosed) return
      await new Promise<void>((resolve) => {
        resolveFilled = resolve
      })
      resolveFilled = undefined
    },
    take() {
      const taken = { waiting, missed }
      waiting = []
      missed = 0
      return taken
    },
  }
}

/**
 * What follows a decision that the reader knows. A reader that knows later ones than this process has seen
 * another one, or this host before its clock was put back: it gets everything.
 */
export function listAfter(
  decisions: Pick<Activity['decisions'], 'list' | 'latestId'>,
  filter: DecisionFilter,
  limit: number,
): { known: RecentDecision[]; isRestarted: boolean } {
  const isRestarted = (filter.after ?? 0) > decisions.latestId()
  const { after: _, ...rest } = filter
  return { known: decisions.list(isRestarted ? rest : filter, limit), isRestarted }
}

function toMessage({ id }: RecentDecision, json: unknown): string {
  return `id: ${id}\nevent: decision\ndata: ${JSON.stringify(json)}\n\n`
}

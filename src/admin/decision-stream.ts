import type { Activity } from '../usage/activity.ts'
import { type DecisionFilter, matchesFilter, type RecentDecision } from '../usage/recent-decisions.ts'

/** Decisions that wait for a slow reader; the oldest are left out beyond. */
const maxWaiting = 500
/** Proxies close connections on which nothing is said for a minute. */
const heartbeatMs = 15_000
const encoder = new TextEncoder()

/**
 * Recent decisions and those that follow as server-sent events, until the reader leaves. A reader that is slower than
 * the traffic misses decisions and is told how many; it never holds up a request or grows memory.
 */
export function createDecisionStream(
  decisions: Activity['decisions'],
  filter: DecisionFilter,
  limit: number,
  toJson: (decision: RecentDecision) => unknown,
): ReadableStream<Uint8Array> {
  let waiting: RecentDecision[] = []
  let missed = 0
  let isClosed = false
  let wake: (() => void) | undefined
  let leave = () => {}
  let heartbeat: NodeJS.Timeout | undefined

  function add(decision: RecentDecision): void {
    if (!matchesFilter(decision, filter)) return
    waiting.push(decision)
    if (waiting.length > maxWaiting) {
      waiting.shift()
      missed++
    }
    wake?.()
  }

  function stop(controller: ReadableStreamDefaultController<Uint8Array>): void {
    clearInterval(heartbeat)
    controller.close()
  }

  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const latest = decisions.list({}, 1)[0]?.id ?? 0
        // Ids begin anew with the process: a reader that knows later ones has seen another.
        const isRestarted = (filter.after ?? 0) > latest
        const { after: _, ...rest } = filter
        waiting = decisions.list(isRestarted ? rest : filter, limit)
        controller.enqueue(encoder.encode(isRestarted ? 'event: restart\ndata: {}\n\n' : ': hello\n\n'))
        leave = decisions.subscribe(add, () => {
          isClosed = true
          wake?.()
        })
        heartbeat = setInterval(() => {
          if ((controller.desiredSize ?? 0) > 0) controller.enqueue(encoder.encode(': still here\n\n'))
        }, heartbeatMs).unref()
      },
      async pull(controller) {
        if (waiting.length === 0 && !isClosed) {
          await new Promise<void>((resolve) => {
            wake = resolve
          })
          wake = undefined
        }
        const text = waiting.map((decision) => toMessage(decision, toJson)).join('')
        const note = missed === 0 ? '' : `event: missed\ndata: {"count":${missed}}\n\n`
        waiting = []
        missed = 0
        if (note + text !== '') controller.enqueue(encoder.encode(note + text))
        // A server that is shutting down must not wait for people who watch.
        if (isClosed) stop(controller)
      },
      cancel() {
        leave()
        clearInterval(heartbeat)
      },
    },
    { highWaterMark: 1 },
  )
}

function toMessage(decision: RecentDecision, toJson: (decision: RecentDecision) => unknown): string {
  return `id: ${decision.id}\nevent: decision\ndata: ${JSON.stringify(toJson(decision))}\n\n`
}

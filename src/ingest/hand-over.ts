import type { IngestRequest, Reply } from '../http/ingest-request.ts'
import { randomBase62 } from '../runtime/base62.ts'
import { propertyOf, toError } from '../runtime/thrown.ts'
import { type IngestEvent, joinRejected, maxReported, type RejectedEvent } from '../verifier/events.ts'
import type { Settlement } from '../verifier/settlement.ts'
import type { Accepted, Refused } from '../verifier/verdict.ts'
import type { IngestContext } from './events.ts'
import type { IngestRoute } from './routes.ts'
import type { CheckSchemas, SchemaChecked } from './schemas.ts'
import { successReply } from './sender-answers.ts'
import type { SenderName } from './senders.ts'

/** Hands the accepted events of a request to `onEvents`, and says how the sender is answered. */
export type HandOver = (
  route: IngestRoute,
  request: IngestRequest,
  verdict: Accepted,
  settlement: Settlement | undefined,
) => Promise<Reply | Refused>

export function createHandOver(
  onEvents: (events: IngestEvent[], context: IngestContext) => unknown,
  checkSchemas: CheckSchemas | undefined,
): HandOver {
  /** The events for `onEvents`, or the refusal when there are none. */
  async function take(
    route: IngestRoute,
    verdict: Accepted,
    settlement: Settlement | undefined,
  ): Promise<SchemaChecked | Refused> {
    const events = eventsOf(route, verdict)
    if (checkSchemas === undefined) return { events, rejected: verdict.rejected }
    const drops = settlement?.drops ?? false
    const checked = await checkSchemas(events, route.sender?.carriedIn ?? 'properties', !drops)
    // A validator may have waited. No handler may start for a key that has ended meanwhile.
    const ended = await settlement?.judgeAgain()
    if (ended !== undefined) return ended
    const rejected = joinRejected(verdict.rejected, checked.rejected)
    if (checked.rejected.length === 0 || (drops && checked.events.length > 0))
      return { events: checked.events, rejected }
    if (settlement === undefined)
      throw Object.assign(new Error('An event does not fit its schema.'), { status: 400 })
    return settlement.refuse('invalid_event', { rejected: toReported(rejected) })
  }

  return async function handOver(
    route: IngestRoute,
    request: IngestRequest,
    verdict: Accepted,
    settlement: Settlement | undefined,
  ): Promise<Reply | Refused> {
    let taken: SchemaChecked | Refused
    try {
      taken = await take(route, verdict, settlement)
      if ('ok' in taken) return taken
      await onEvents(taken.events, toContext(route, verdict, taken.rejected))
    } catch (error) {
      const status = propertyOf(error, 'status')
      const isFinal = typeof status === 'number' && status >= 400 && status <= 499
      const refused = isFinal
        ? settlement?.refuse('invalid_event', { keepCharge: true })
        : settlement?.refuse('handler_failed', { error: toError(error) })
      if (refused === undefined) throw error
      return refused
    }
    settlement?.accept(taken)
    return successReply(route.sender, request, verdict.headers, taken)
  }
}

/** Fills in `type` from the path, and gives Inngest's events the id that their sender is told. */
function eventsOf({ sender }: IngestRoute, { events, eventType }: Accepted): IngestEvent[] {
  return events.map((event) => {
    if (sender?.answers === 'ids') {
      if (typeof event.id === 'string') return event
      const id = randomBase62(26)
      // See `combine` for the order.
      return Object.hasOwn(event, 'id') ? { ...event, id } : { id, ...event }
    }
    return eventType === null || Object.hasOwn(event, 'type') ? event : { type: eventType, ...event }
  })
}

function toContext(
  { sender }: IngestRoute,
  { writeKey, ip, origin }: Accepted,
  rejected: readonly RejectedEvent[],
): IngestContext {
  const { sourceType } = writeKey
  return { writeKey, sender: sender?.name as SenderName, sourceType, rejected, ip, origin }
}

function toReported(rejected: readonly RejectedEvent[]) {
  return rejected
    .slice(0, maxReported)
    .map(({ index, type, field }) => ({ index, type, ...(field !== undefined && { field }) }))
}

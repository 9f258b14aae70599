import type { IngestRequest, Reply } from '../http/ingest-request.ts'
import { randomBase62 } from '../runtime/base62.ts'
import { badOption } from '../runtime/config-error.ts'
import { type OptionReader, oneOf, readOptions } from '../runtime/options.ts'
import type { IngestEvent } from '../verifier/events.ts'
import { type Settlement, withSettlement } from '../verifier/settlement.ts'
import type { Accepted, Refused, Verdict } from '../verifier/verdict.ts'
import type { WriteKeys } from '../write-keys-interface.ts'
import type { IngestContext, SentEvent } from './events.ts'
import { createRoutes, type IngestRoute } from './routes.ts'
import { defaultSenders, type SenderName, senders } from './senders.ts'

/** Options of `createIngestApi`. */
export interface IngestApiOptions<Events> {
  /**
   * Takes the accepted events of one request, with `type` filled in from the path. The sender is answered once it has returned, or what it
   * returns has resolved. When it throws or rejects, the sender gets 503 `handler_failed` with `Retry-After: 5` and comes back with the same
   * events; nothing is counted as accepted. An error with a `status` from 400 to 499 is final: 400 `invalid_event`.
   */
  onEvents: (events: Events[], context: IngestContext) => unknown
  /** Whose endpoints there are. Default: all four. */
  senders?: readonly SenderName[]
}

/** Endpoints for known senders, to be mounted by `ingestRoutes` of an adapter. */
export interface IngestApi {
  readonly keys: Pick<WriteKeys, 'verify' | 'preflight'>
  /** @param path within the mount point, as sent, without the query */
  find(path: string): IngestRoute | undefined
  /** Verifies a request and answers it. Undefined: the method is nobody's, or nobody is left to answer. */
  answer(
    route: IngestRoute,
    request: IngestRequest,
    verify?: (request: IngestRequest) => Promise<Verdict>,
  ): Promise<IngestAnswer | undefined>
}

export interface IngestAnswer {
  readonly reply: Reply
  /** What has to be hidden from logs: see `hideKey` of `writekey/adapter`. */
  readonly carried: Accepted['carried']
}

/**
 * Creates the endpoints that published SDKs of Segment, RudderStack, Customer.io and Inngest send to: their paths, the places of their key,
 * their bodies, and the answers they expect.
 *
 * @typeParam Events what your senders send, as a union told apart by `type`. It is what you expect: nothing but `type` is checked.
 * @throws ConfigError for an unknown option or a bad value.
 * @example
 * ```ts
 * const api = createIngestApi(keys, { onEvents: (events) => queue.add(events) })
 * app.use(ingestRoutes(api))
 * ```
 */
export function createIngestApi<Events = SentEvent>(
  keys: Pick<WriteKeys, 'verify' | 'preflight'>,
  options: IngestApiOptions<Events>,
): IngestApi {
  if (typeof keys?.verify !== 'function' || typeof keys.preflight !== 'function') {
    throw badOption('keys', keys, 'what createWriteKeys() returned')
  }
  const { onEvents, senders: names } = readOptions('createIngestApi', options, readers)
  const find = createRoutes(names)

  async function settle(
    route: IngestRoute,
    verdict: Accepted,
    settlement: Settlement | undefined,
  ): Promise<Reply | Refused> {
    const events = eventsOf(route, verdict)
    try {
      await onEvents(events as Events[], toContext(route, verdict))
    } catch (error) {
      const { status } = (error ?? {}) as { status?: unknown }
      const isFinal = typeof status === 'number' && status >= 400 && status <= 499
      const refused = isFinal
        ? settlement?.refuse('invalid_event', { keepCharge: true })
        : settlement?.refuse('handler_failed')
      if (refused === undefined) throw error
      return refused
    }
    settlement?.accept()
    return successReply(route, verdict, events)
  }

  return {
    keys,
    find,
    async answer(route, request, verify = keys.verify) {
      const { method } = request
      if (method === 'OPTIONS') {
        const preflight = keys.preflight(request)
        return preflight && { reply: preflight, carried: undefined }
      }
      if (!route.methods.includes(method)) return undefined
      let settlement: Settlement | undefined
      const read = { ...request, ...route.reading }
      const verdict = await verify(
        withSettlement(read, (given) => {
          settlement = given
        }),
      )
      const { carried } = verdict
      if (!verdict.ok)
        return verdict.reason === 'client_aborted'
          ? undefined
          : { reply: senderReply(route, verdict.reply), carried }
      if (route.sender === null) {
        settlement?.accept()
        return { reply: { status: 204, headers: verdict.headers, body: '' }, carried }
      }
      const settled = await settle(route, verdict, settlement)
      return { reply: 'reply' in settled ? senderReply(route, settled.reply) : settled, carried }
    },
  }
}

/** `type` is filled in from the path, and Inngest's events get the id that their sender is told. */
function eventsOf({ sender }: IngestRoute, { events, eventType }: Accepted): IngestEvent[] {
  return events.map((event) => {
    if (sender?.answers === 'ids')
      return typeof event.id === 'string' ? event : { ...event, id: randomBase62(26) }
    return eventType === null || Object.hasOwn(event, 'type') ? event : { type: eventType, ...event }
  })
}

function toContext({ sender }: IngestRoute, verdict: Accepted): IngestContext {
  const { writeKey, rejected, ip, origin } = verdict
  const { sourceType } = writeKey
  return { writeKey, sender: sender?.name as SenderName, sourceType, rejected, ip, origin }
}

function successReply(
  { sender }: IngestRoute,
  { headers, rejected }: Accepted,
  events: IngestEvent[],
): Reply {
  const body =
    sender?.answers === 'ids'
      ? { ids: events.map(({ id }) => id), status: 200 }
      : { success: true, accepted: events.length, ...(rejected.length > 0 && { rejected }) }
  return {
    status: 200,
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  }
}

/** Inngest's SDK shows `error`. Everybody else looks at the status alone. */
function senderReply({ sender }: IngestRoute, reply: Reply): Reply {
  if (sender?.answers !== 'ids' || reply.body === '') return reply
  const problem = JSON.parse(reply.body) as { detail: string }
  return { ...reply, body: JSON.stringify({ ...problem, error: problem.detail }) }
}

const senderName = oneOf(Object.keys(senders) as SenderName[])

const readers = {
  onEvents: (value: unknown, option: string) => {
    if (typeof value !== 'function')
      throw badOption(option, value, 'a function that takes the accepted events')
    return value as (events: unknown[], context: IngestContext) => unknown
  },
  senders: (value: unknown, option: string): readonly SenderName[] => {
    if (value === undefined) return defaultSenders
    if (!Array.isArray(value) || value.length === 0)
      throw badOption(option, value, "a list with at least one sender, such as ['segment', 'inngest']")
    return value.map((name, index) => senderName(name, `${option}[${index}]`))
  },
} satisfies Record<keyof IngestApiOptions<unknown>, OptionReader<unknown>>

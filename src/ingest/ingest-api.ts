import type { IngestRequest, Reply } from '../http/ingest-request.ts'
import { combine } from '../runtime/combine.ts'
import { badOption } from '../runtime/config-error.ts'
import { type OptionReader, readOptions } from '../runtime/options.ts'
import type { IngestEvent } from '../verifier/events.ts'
import { expectEndpoints, type Settlement, withSettlement } from '../verifier/settlement.ts'
import type { Accepted, Verdict } from '../verifier/verdict.ts'
import type { WriteKeys } from '../write-keys-interface.ts'
import type { CheckedEvent, IngestContext, SentEvent } from './events.ts'
import { createHandOver } from './hand-over.ts'
import { asPosted, withoutData } from './posted.ts'
import { createRoutes, type IngestRoute } from './routes.ts'
import { createSchemaCheck, type EventSchemas, readSchemas } from './schemas.ts'
import { refusalReply } from './sender-answers.ts'
import type { SenderName } from './senders.ts'
import { sendersOption } from './senders-option.ts'

/** Options of `createIngestApi`. */
export interface IngestApiOptions<Events> {
  /**
   * Gets the accepted events of one request, with `type` filled in from the path. May be async; the sender is
   * answered when it is done. If it fails, the sender gets 503 `handler_failed` with `Retry-After: 5` and sends
   * the same events again; nothing is counted as accepted. If its error has a `status` from 400 to 499, the
   * sender gets 400 `invalid_event` and does not retry.
   */
  onEvents: (events: Events[], context: IngestContext) => unknown
  /**
   * The senders to serve. Default: Segment, RudderStack, Customer.io and Inngest. PostHog, Amplitude,
   * Mixpanel and Jitsu must be named.
   */
  senders?: readonly SenderName[] | undefined
  /**
   * Schemas by exact event name, from any library that follows Standard Schema (zod, valibot, arktype). They
   * check `properties` of track, page and screen calls, and `data` of Inngest's events; a missing one counts as
   * `{}`. Events with other names are not checked. `onEvents` gets what the schemas return. If an event does not
   * fit, its request gets 400 `invalid_event`, with index and field but never a value. With
   * `onForbiddenEvent: 'drop'` only that event is left out, and listed in `rejected`.
   */
  schemas?: EventSchemas | undefined
}

/** Endpoints for known senders, to be mounted by `ingestRoutes` of an adapter. */
export interface IngestApi {
  readonly keys: Pick<WriteKeys, 'verify' | 'preflight'>
  /** @param path within the mount point, as sent, without the query */
  find(path: string): IngestRoute | undefined
  /**
   * Verifies a request and answers it. Undefined: no sender uses this method here, or the client has gone.
   */
  answer(
    route: IngestRoute,
    request: IngestRequest,
    verify?: (request: IngestRequest) => Promise<Verdict>,
  ): Promise<IngestAnswer | undefined>
}

export interface IngestAnswer {
  readonly reply: Reply
  /** Whether the events are refused. Some senders are told so with a status of success. */
  readonly isRefused: boolean
  /** What must be hidden from logs: see `hideKey` of `writekey/adapter`. */
  readonly carried: Accepted['carried']
}

/**
 * Creates the endpoints that published SDKs of Segment, RudderStack, Customer.io, Inngest and others send to:
 * their paths, the places of their key, their bodies, and the answers they expect.
 *
 * @typeParam Events what your senders send, as a union told apart by `type`. It states what you expect:
 * nothing but `type` is checked. With `schemas`, leave it to be inferred from them.
 * @throws ConfigError for an unknown option or a bad value.
 * @example
 * ```ts
 * const api = createIngestApi(keys, { onEvents: (events) => queue.add(events) })
 * app.use(ingestRoutes(api))
 * ```
 */
export function createIngestApi<Schemas extends EventSchemas>(
  keys: Pick<WriteKeys, 'verify' | 'preflight'>,
  options: IngestApiOptions<CheckedEvent<Schemas>> & { schemas: Schemas },
): IngestApi
export function createIngestApi<Events = SentEvent>(
  keys: Pick<WriteKeys, 'verify' | 'preflight'>,
  options: IngestApiOptions<Events>,
): IngestApi
export function createIngestApi(
  keys: Pick<WriteKeys, 'verify' | 'preflight'>,
  options = {} as IngestApiOptions<IngestEvent>,
): IngestApi {
  if (typeof keys?.verify !== 'function' || typeof keys.preflight !== 'function') {
    throw badOption('keys', keys, 'what createWriteKeys() returned')
  }
  const { onEvents, senders: names, schemas } = readOptions('createIngestApi', options, readers)
  expectEndpoints(keys)
  const find = createRoutes(names)
  const handOver = createHandOver(onEvents, schemas && createSchemaCheck(schemas))

  /** @param asked the request as it was sent: its query says how it wants to be answered */
  async function answerEvents(
    route: IngestRoute,
    posted: IngestRequest,
    asked: IngestRequest,
    verify: WriteKeys['verify'],
  ): Promise<IngestAnswer | undefined> {
    let settlement: Settlement | undefined
    const verdict = await verify(
      withSettlement(combine(posted, route.reading), 'endpoint', (given) => {
        settlement = given
      }),
    )
    const { carried } = verdict
    if (!verdict.ok) {
      if (verdict.reason === 'client_aborted') return undefined
      return { reply: refusalReply(route.sender, asked, verdict.reply), isRefused: true, carried }
    }
    if (route.sender === null) {
      settlement?.accept()
      return { reply: { status: 204, headers: verdict.headers, body: '' }, isRefused: false, carried }
    }
    const settled = await handOver(route, asked, verdict, settlement)
    return 'reply' in settled
      ? { reply: refusalReply(route.sender, asked, settled.reply), isRefused: true, carried }
      : { reply: settled, isRefused: false, carried }
  }

  return {
    keys,
    find,
    async answer(route, request, verify = keys.verify) {
      const { method } = request
      if (method === 'OPTIONS') {
        const preflight = keys.preflight({ ...request, ...route.reading })
        return preflight && { reply: preflight, isRefused: false, carried: preflight.carried }
      }
      if (!route.methods.includes(method)) return undefined
      const posted = asPosted(route, request)
      const answered = await answerEvents(route, posted, request, verify)
      return posted === request ? answered : answered && withoutData(answered, route)
    },
  }
}

const readers = {
  onEvents: (value: unknown, option: string) => {
    if (typeof value !== 'function')
      throw badOption(option, value, 'a function that takes the accepted events')
    return value as (events: IngestEvent[], context: IngestContext) => unknown
  },
  senders: sendersOption,
  schemas: readSchemas,
} satisfies Record<keyof IngestApiOptions<unknown>, OptionReader<unknown>>

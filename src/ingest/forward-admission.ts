import type { IngestRequest, ReadBody, Reply } from '../http/ingest-request.ts'
import { combine } from '../runtime/combine.ts'
import { propertyOf } from '../runtime/thrown.ts'
import type { RejectedEvent } from '../verifier/events.ts'
import { type Settlement, withSettlement } from '../verifier/settlement.ts'
import type { WriteKeys } from '../write-keys-interface.ts'
import type { SenderBodyForm } from './body-form.ts'
import { problem, refuse } from './forward-replies.ts'
import type { IngestRoute } from './routes.ts'
import { createTimedBody, type TimedBody } from './timed-body.ts'

/** What is forwarded of a request. */
export interface Admitted {
  readonly body: Uint8Array | string | null
  /** Whether the body is the accepted events as JSON instead of the bytes that were sent. */
  readonly isRewritten: boolean
  /** For the answer. */
  readonly headers: Readonly<Record<string, string>>
  /**
   * Settles the request for the page's key by the target's status. Returns the reply when the target did not
   * answer.
   */
  settle(status: number | undefined): Reply | undefined
}

/** Reads the body, and has it judged where there are keys. Returns a reply when the request ends here. */
export type Admit = (
  route: IngestRoute,
  request: IngestRequest,
  allowOrigin: string | null,
) => Promise<Admitted | { readonly reply: Reply }>

export interface AdmissionOptions {
  /** The key for the target. */
  key: string
  keys: Pick<WriteKeys, 'verify'> | undefined
  maxBodyBytes: number
  timeoutMs: number
}

export function createAdmission({ key, keys, maxBodyBytes, timeoutMs }: AdmissionOptions): Admit {
  function timedBodyOf({ body }: IngestRequest): TimedBody | undefined {
    return typeof body === 'function' ? createTimedBody(body as ReadBody, maxBodyBytes, timeoutMs) : undefined
  }

  async function admitBytes(
    given: unknown,
    timed: TimedBody | undefined,
    allowOrigin: string | null,
  ): ReturnType<Admit> {
    let body: Uint8Array | string | null = typeof given === 'string' ? given : null
    if (timed !== undefined) {
      body = await timed.read(maxBodyBytes)
      if (body === null) return { reply: refuse('payload_too_large', allowOrigin) }
    }
    const headers: Record<string, string> =
      allowOrigin === null ? {} : { 'access-control-allow-origin': allowOrigin }
    const settle: Admitted['settle'] = (status) =>
      status === undefined ? refuse('handler_failed', allowOrigin) : undefined
    return { body, isRewritten: false, headers, settle }
  }

  async function admitEvents(
    { verify }: Pick<WriteKeys, 'verify'>,
    route: IngestRoute,
    request: IngestRequest,
  ): ReturnType<Admit> {
    let settlement: Settlement | undefined
    const form = route.form && 'underKey' in route.form ? rememberSent(route.form) : undefined
    const reading = form === undefined ? route.reading : combine(route.reading, { bodyForm: form })
    const verdict = await verify(
      withSettlement(combine(request, reading), 'endpoint', (given) => {
        settlement = given
      }),
    )
    if (!verdict.ok) return { reply: verdict.reply }
    return {
      body: JSON.stringify(form === undefined ? verdict.body : form.accepted(key, verdict.rejected)),
      isRewritten: true,
      headers: verdict.headers,
      settle(status) {
        if (status !== undefined && status < 300) settlement?.accept()
        else if (status !== undefined && isFinal(status))
          settlement?.refuse('invalid_event', { keepCharge: true })
        else return settlement?.refuse('handler_failed').reply
        return undefined
      },
    }
  }

  return async function admit(route, request, allowOrigin) {
    const timed = timedBodyOf(request)
    try {
      const admitted =
        keys === undefined
          ? await admitBytes(request.body, timed, allowOrigin)
          : await admitEvents(keys, route, timed === undefined ? request : { ...request, body: timed.read })
      return timed?.isLate() ? { reply: problem('request_timeout', allowOrigin) } : admitted
    } catch (error) {
      if (propertyOf(error, 'code') !== 'client_aborted') throw error
      return { reply: problem('request_timeout', allowOrigin) }
    }
  }
}

/** Senders do not retry after these. */
function isFinal(status: number): boolean {
  return status >= 400 && status < 500 && status !== 408 && status !== 429
}

/** The sender's format, to write the accepted events as they were sent: its own API knows no other. */
function rememberSent({ read, shape, underKey }: SenderBodyForm) {
  let sent: unknown
  function shapeAndKeep(value: unknown): unknown {
    sent = value
    return shape(value)
  }
  return {
    shape: shapeAndKeep,
    parse(body: Uint8Array | string, freeContainers?: number) {
      const found = read(body, freeContainers)
      return found && { value: shapeAndKeep(found.value) }
    },
    accepted: (key: string, rejected: readonly RejectedEvent[]) =>
      underKey(
        sent,
        key,
        rejected.map(({ index }) => index),
      ),
  }
}

import { toFetchIngestRequest } from '../http/fetch-request.ts'
import { toResponse } from '../http/fetch-response.ts'
import type { IngestRequest, Reply } from '../http/ingest-request.ts'
import { formatIpAddress, parseSenderAddress } from '../rules/ip-address.ts'
import { ConfigError } from '../runtime/config-error.ts'
import { textAnswer } from '../runtime/option-answer.ts'
import { readOptions } from '../runtime/options.ts'
import { toError } from '../runtime/thrown.ts'
import { markForeignPage } from '../verifier/visit.ts'
import { type Admitted, createAdmission } from './forward-admission.ts'
import { type ForwardOptions, forwardReaders } from './forward-options.ts'
import { createPagePolicy } from './forward-pages.ts'
import { answerHeaders, problem, refuse } from './forward-replies.ts'
import { createForwardTarget, type TargetAnswer } from './forward-target.ts'
import { asPosted } from './posted.ts'
import { createRoutes, type IngestRoute } from './routes.ts'
import { refusalReply } from './sender-answers.ts'
import { type SenderName, senders } from './senders.ts'

/** Forwards one request. `context` is passed to `ip`. Never rejects. */
export type ForwardEvents<Context = unknown> = (request: Request, context?: Context) => Promise<Response>

/**
 * Creates a web-standard handler for an endpoint or edge function that takes the events of your pages and
 * passes them on with a key that the pages never see. The target is fixed, and only paths that a sender uses
 * are forwarded. It forwards the body, its type and encoding, the headers that you allow, and the client's
 * address. It follows no redirect.
 *
 * The target's status and `Retry-After` are passed back. When the target does not answer, the page gets 503
 * with `Retry-After: 5`, and its SDK sends the events again.
 *
 * @throws ConfigError for an unknown option or a bad value.
 * @example
 * ```ts
 * const forward = forwardEvents({ to: 'https://events.example.com', key: writeKey, at: '/events' })
 * export const POST = (request: Request) => forward(request)
 * ```
 */
export function forwardEvents<Context = unknown>(options: ForwardOptions<Context>): ForwardEvents<Context> {
  const given = readOptions('forwardEvents', options, forwardReaders)
  assertKeyFits(given)
  const { at, allow, ip, keys, onError = warn } = given
  const find = createRoutes(given.senders)
  const target = createForwardTarget(given)
  const pages = createPagePolicy(allow.origins, keys)
  const admit = createAdmission(given)

  function routeOf({ path }: IngestRequest): IngestRoute | undefined {
    const route = path.startsWith(`${at}/`) ? find(path.slice(at.length)) : undefined
    return route?.sender === null ? undefined : route
  }

  async function answer(request: Request, context: Context): Promise<Response> {
    const neutral = toFetchIngestRequest(request, {
      ip: readAddress(textAnswer('ip', ip?.(request, context))),
    })
    const route = routeOf(neutral)
    if (route === undefined) return toResponse(problem('not_found', null))
    const preflight = pages.preflight(neutral)
    if (preflight !== undefined) return toResponse(preflight)
    if (!route.methods.includes(neutral.method)) return toResponse(problem('method_not_allowed', null))
    const toRefusal = (reply: Reply) => toResponse(refusalReply(route.sender, neutral, reply))
    const { allowed, allowOrigin, needsKeyWithOrigin } = pages.judge(neutral, request.url)
    if (!allowed) return toRefusal(refuse('origin_not_allowed', null))
    const posted = asPosted(route, neutral)
    if (needsKeyWithOrigin === true) markForeignPage(posted)
    const admitted = await admit(route, posted, allowOrigin)
    if ('reply' in admitted) return toRefusal(admitted.reply)

    let answered: TargetAnswer | undefined
    try {
      const headers = passedOn(request, posted, admitted, allow.headers)
      const path = route.path + keptQuery(route, neutral)
      answered = await target.send(path, headers, admitted.body, route.sender?.keyHeader)
    } catch (error) {
      await tell(error, request)
    }
    const refused = admitted.settle(answered?.status)
    if (answered === undefined) return toRefusal(refused ?? refuse('handler_failed', allowOrigin))
    if (answered.status === 401)
      await tell(new Error('The target refuses the key of forwardEvents.'), request)
    const headers = { ...answerHeaders, ...admitted.headers, ...answered.headers }
    return toResponse({ ...answered, headers })
  }

  async function tell(error: unknown, request: Request): Promise<void> {
    try {
      await onError(error, request)
    } catch (thrown) {
      warn(thrown)
    }
  }

  return async function forwardEvents(request, context) {
    try {
      return await answer(request, context as Context)
    } catch (error) {
      await tell(error, request)
      return toResponse(refuse('internal_error', null))
    }
  }
}

/** A key in HTTP Basic cannot contain a colon. */
function assertKeyFits({ key, senders: names }: { key: string; senders: readonly SenderName[] }): void {
  if (key.includes(':') && names.some((name) => senders[name].keyHeader === undefined))
    throw new ConfigError(
      'key',
      'key must not hold ":", unless the only one of senders is jitsu: HTTP Basic cannot carry it.',
    )
}

/** @param allowed names of further headers that go on */
function passedOn(
  request: Request,
  { ip: address, method }: IngestRequest,
  { isRewritten }: Admitted,
  allowed: readonly string[],
): Headers {
  const headers = new Headers()
  for (const name of ['content-type', 'content-encoding', ...allowed]) {
    const value = request.headers.get(name)
    if (value !== null) headers.set(name, value)
  }
  if (method !== request.method) headers.set('content-type', 'application/x-www-form-urlencoded')
  if (isRewritten) {
    headers.set('content-type', 'application/json')
    headers.delete('content-encoding')
  }
  if (address !== undefined) headers.set('x-forwarded-for', address)
  return headers
}

/** Of the query, only parameters that say how the sender wants to be answered go on: a word or a number. */
function keptQuery({ sender }: IngestRoute, { query }: IngestRequest): string {
  const given = new URLSearchParams(query as string)
  const kept = (sender?.query ?? []).flatMap((name) => {
    const value = given.get(name) ?? ''
    return /^[\w.-]{1,32}$/.test(value) ? `${name}=${value}` : []
  })
  return kept.length === 0 ? '' : `?${kept.join('&')}`
}

/** Only an address becomes a header. */
function readAddress(text: string | undefined): string | undefined {
  const parsed = text === undefined ? undefined : parseSenderAddress(text)
  if (text === undefined || parsed === undefined) return undefined
  return text.includes('%') ? formatIpAddress(parsed) : text
}

function warn(error: unknown): void {
  globalThis.process?.emitWarning?.(toError(error))
}

import { isDeepStrictEqual } from 'node:util'
import type { RawAnswer } from '../../../src/testing/adapter/raw-http.ts'
import type { Sent, Target } from './campaign.ts'
import type { Accepted, Outcome } from './oracle/expectation.ts'
import type { Handled } from './servers.ts'

/** What came of a request. */
interface Exchange {
  readonly target: Target
  readonly sent: Sent
  readonly answer: RawAnswer | undefined
  readonly handled: readonly Handled[]
}

/** In what an exchange is none that the oracle allows; undefined when it is one. */
export function differenceOf(exchange: Exchange): string | undefined {
  const { answer, handled, sent } = exchange
  const got = `got ${answer === undefined ? 'no answer' : `${answer.status} ${answer.body.slice(0, 300)}`}, ${handled.length} handlers`
  const differences = sent.judgement.outcomes.map((outcome) => {
    const difference = compare(outcome, exchange)
    return difference && `${difference}; expected ${describe(outcome)}, ${got}`
  })
  return differences.includes(undefined) ? undefined : differences.join(' | ')
}

const describe = (outcome: Outcome) =>
  outcome.kind === 'refused' ? outcome.answers.join(' or ') : outcome.kind

/** Whether handlers that ran were given what this outcome says, whatever was answered. */
export function isRead(outcome: Outcome, exchange: Exchange): boolean {
  return (
    outcome.kind === 'accepted' &&
    exchange.handled.every((one) => misread(outcome, exchange, one) === undefined)
  )
}

function compare(outcome: Outcome, exchange: Exchange): string | undefined {
  const { answer, handled } = exchange
  if (outcome.kind === 'outside') {
    return handled.some(({ context }) => context !== undefined) ? 'taken for one below the path' : undefined
  }
  if (outcome.kind === 'accepted' && handled.length > 0) {
    return (
      handled.map((one) => misread(outcome, exchange, one)).find(Boolean) ?? misanswered(outcome, exchange)
    )
  }
  if (handled.length > 0) return 'a handler ran'
  if (isOfRouter(exchange)) return undefined
  switch (outcome.kind) {
    case 'accepted':
      return 'no handler ran'
    case 'malformed':
      return answer === undefined || answer.status >= 400 ? undefined : 'taken for HTTP'
    case 'preflight':
      return answer?.status === 204 && answer.headers['access-control-allow-origin'] === '*'
        ? undefined
        : 'no preflight'
    case 'refused':
      return misrefused(outcome.answers, exchange)
  }
}

/** Fastify's router has routes for the common methods, wants paths that decode, and knows no hosts in capitals. */
function isOfRouter({ target, sent, answer }: Exchange): boolean {
  if (target.server.framework !== 'Fastify' || answer === undefined) return false
  if (answer.status === 400) return answer.body.includes('"FST_ERR_BAD_URL"')
  const isCommon = /^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS)$/.test(sent.draft.method)
  return answer.status === 404 && (!isCommon || !sent.draft.target.startsWith('/'))
}

function misrefused(allowed: readonly string[], { sent, answer }: Exchange): string | undefined {
  if (answer === undefined) return 'not answered'
  const { status, headers, body } = answer
  // Servers and routers may refuse such targets before anybody is asked.
  if (allowed.includes('400 invalid_path') && (status === 400 || status === 404)) return undefined
  if (sent.draft.method === 'HEAD')
    return allowed.some((one) => one.startsWith(`${status} `)) ? undefined : 'another status'
  const code = /"code":"(\w+)"/.exec(body)?.[1]
  if (!allowed.includes(`${status} ${code}`)) return 'another answer'
  const isReadable = headers['access-control-allow-origin'] !== undefined
  const isWhole =
    headers['content-type'] === 'application/problem+json' &&
    headers['cache-control'] === 'no-store' &&
    /\borigin\b/i.test(headers.vary ?? '') &&
    !(code === 'origin_not_allowed' && isReadable) &&
    (status === 401) === (headers['www-authenticate'] !== undefined) &&
    (code === 'rate_limited' || code === 'key_paused' ? headers['retry-after'] !== undefined : true)
  return isWhole ? undefined : `other headers: ${JSON.stringify(headers)}`
}

/** What a handler was given, against what was sent. */
function misread(
  outcome: Accepted,
  exchange: Exchange,
  { context, body, rest }: Handled,
): string | undefined {
  const { target, sent } = exchange
  if (context === undefined) return 'let through unverified'
  const { id, events, eventType, ip } = context
  if (id !== target.idsByName.get(outcome.key)) return `taken for another key than ${outcome.key}`
  if (!isDeepStrictEqual(events, outcome.events))
    return `the handler got ${JSON.stringify(events)} for ${JSON.stringify(outcome.events)}`
  if (eventType !== outcome.eventType)
    return `the handler was told the type ${eventType} for ${outcome.eventType}`
  if (outcome.ip !== undefined && ip !== outcome.ip) return `the address ${ip} for ${outcome.ip}`
  const inBody = eventsIn(body, target)
  if (!/^(GET|HEAD)$/.test(sent.draft.method) && !isDeepStrictEqual(inBody, events))
    return `the body holds ${JSON.stringify(inBody)} for ${JSON.stringify(events)}`
  return showsSecret(outcome, exchange, [rest, body])
}

function showsSecret(outcome: Accepted, { target, sent }: Exchange, seen: unknown): string | undefined {
  if (outcome.place === 'authorization') return undefined
  const key = [...target.known.values()].find(({ name }) => name === outcome.key)
  const written = sent.bytes
    .toString('latin1')
    .replace(/%([0-9A-Fa-f]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))
  // Elsewhere it carried nothing, and is the sender's own.
  const isOnlyThere =
    written.split(key?.secret as string).length === 2 &&
    !JSON.stringify(outcome.events).includes(key?.secret as string)
  const text = JSON.stringify(seen)
  return isOnlyThere && text.includes(key?.secret as string)
    ? `the handler saw the secret in ${text}`
    : undefined
}

function eventsIn(body: unknown, { house }: Target): unknown {
  if (Array.isArray(body)) return body
  if (typeof body !== 'object' || body === null) return 'no events'
  const field = house.batchFields.find((name) => Object.hasOwn(body, name))
  return field === undefined ? [body] : Reflect.get(body, field)
}

function misanswered({ saysOrigin }: Accepted, { sent, answer }: Exchange): string | undefined {
  if (sent.judgement.isTrailed && answer?.status === 400) return undefined
  if (answer?.status !== 200 && answer?.status !== 304) return 'another status'
  const said = answer.headers['access-control-allow-origin']
  if (said !== saysOrigin) return `the answer allows the origin ${said} for ${saysOrigin}`
  return /\borigin\b/i.test(answer.headers.vary ?? '') ? undefined : 'no Vary: Origin'
}

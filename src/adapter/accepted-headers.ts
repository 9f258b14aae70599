import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Reply } from '../http/ingest-request.ts'
import { allowOrigin, type HeaderTarget, isList } from './cors-merge.ts'
import { type FastifyReplyLike, toFastifyHeaderTarget } from './fastify-reply.ts'
import { dropKeptHeaders, keepHeaders } from './kept-headers.ts'
import { setReplyHeaders, tryOn } from './node-exchange.ts'
import { withoutOthersRate } from './own-rate.ts'

type Fields = Reply['headers']

/**
 * What a guard puts on the answer to a request that it lets through. A refusal further in takes it back: it would tell that
 * the key is a good one elsewhere.
 */
export interface AcceptedHeaders {
  takeBack(): void
}

/** Headers that are set once the handler has answered. */
export class PromisedHeaders implements AcceptedHeaders {
  areTakenBack = false

  takeBack(): void {
    this.areTakenBack = true
  }
}

/** Headers that are set already. */
class SetHeaders extends PromisedHeaders {
  readonly #target: HeaderTarget
  readonly #response: ServerResponse
  readonly #headers: Fields
  readonly #earlier: Readonly<Record<string, unknown>> | undefined

  /** @param earlier what the application had set under the same names */
  constructor(target: HeaderTarget, response: ServerResponse, headers: Fields, earlier: object | undefined) {
    super()
    this.#target = target
    this.#response = response
    this.#headers = headers
    this.#earlier = earlier as Readonly<Record<string, unknown>> | undefined
  }

  override takeBack(): void {
    if (this.areTakenBack) return
    super.takeBack()
    dropKeptHeaders(this.#response)
    tryOn(() => {
      for (const name in this.#headers)
        takeBackOne(this.#target, name, this.#headers[name], this.#earlier?.[name])
    })
  }
}

function takeBackOne(target: HeaderTarget, name: string, ours: string | undefined, earlier: unknown): void {
  // What the application has put there since is its own. Lists that are the application's as well get our values again.
  if (target.getHeader(name) !== ours || (isList(name) && earlier !== undefined)) return
  if (earlier === undefined) target.removeHeader(name)
  else target.setHeader(name, earlier as string)
}

/**
 * Sets the headers of an accepted request, and where browsers need them keeps them until the answer is
 * written. Undefined, without any effect, when the application has answered already.
 */
export function trySetAcceptedHeaders(
  response: ServerResponse,
  headers: Reply['headers'],
): PromisedHeaders | undefined {
  const isFirst = isFirstToSet(response)
  const shown = isFirst ? headers : withoutOthersRate(response, headers)
  const isFromPage = response.req.headers.origin !== undefined
  const earlier = earlierValues(response, shown, isFirst)
  const isSet = tryOn(() => {
    if (!isFirst) return setReplyHeaders(response, isFromPage ? withoutOrigin(shown) : shown)
    for (const name in headers)
      if (name !== allowOrigin || !isFromPage) response.setHeader(name, headers[name] as string)
  })
  if (!isSet) return undefined
  if (isFromPage) keepHeaders(response, shown)
  return new SetHeaders(response, response, isFromPage ? withoutOrigin(shown) : shown, earlier)
}

/** The same for Fastify. */
export function trySetFastifyHeaders(
  reply: FastifyReplyLike,
  request: IncomingMessage,
  headers: Reply['headers'],
): PromisedHeaders | undefined {
  if (reply.sent || reply.raw.headersSent) return undefined
  const target = toFastifyHeaderTarget(reply)
  const shown = withoutOthersRate(target, headers)
  const isFromPage = request.headers.origin !== undefined
  const atOnce = isFromPage ? withoutOrigin(shown) : shown
  const earlier = earlierValues(target, atOnce, false)
  setReplyHeaders(target, atOnce)
  if (isFromPage) keepHeaders(reply.raw, shown)
  return new SetHeaders(target, reply.raw, atOnce, earlier)
}

/** What is set at once of headers that are kept, see `keepHeaders`. */
function withoutOrigin({ [allowOrigin]: _, ...headers }: Fields): Fields {
  return headers
}

/**
 * Whether nobody has set a header that ours would have to be merged with: true for most responses. Asked once, because to ask for each
 * header takes half a microsecond on a response of Express's.
 */
function isFirstToSet(response: ServerResponse): boolean {
  return !response.getHeaderNames().some(isMerged)
}

function isMerged(name: string): boolean {
  return name === 'vary' || name.startsWith('access-control-') || name.includes('ratelimit')
}

/** @param isFirst whether nobody has set a header that ours are merged with */
function earlierValues(target: HeaderTarget, headers: Fields, isFirst: boolean): object | undefined {
  let earlier: Record<string, unknown> | undefined
  for (const name in headers) {
    if (isFirst && isMerged(name)) continue
    const value = target.getHeader(name)
    if (value !== undefined) earlier = { ...earlier, [name]: value }
  }
  return earlier
}

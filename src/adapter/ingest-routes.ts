import type { IncomingMessage, ServerResponse } from 'node:http'
import type { IngestRequest } from '../http/ingest-request.ts'
import type { IngestAnswer, IngestApi } from '../ingest/ingest-api.ts'
import type { IngestRoute } from '../ingest/routes.ts'
import { pathOf } from './fetch-exchange.ts'
import { refuseForeign } from './foreign-request.ts'
import { hideKey, type TargetHolder } from './hidden-key.ts'
import { type RequestHints, toIngestRequest, writeReply } from './node-exchange.ts'
import type { NodeNext, NodeRequest } from './node-guard.ts'
import { takeBackHeaders, verifyOnce } from './request-context.ts'
import { refuseRouteOptions } from './route-options.ts'
import { assertIngestApi } from './taken-api.ts'

/** The part of an ingest API that adapters use. */
export type IngestEndpoints = Pick<IngestApi, 'keys' | 'find' | 'answer'>

/**
 * Express, Connect and plain Node middleware that serves the endpoints of `createIngestApi`, at the root of
 * an app or under a mount point, before or after body parsers (before is better: they refuse what some
 * senders send). Requests for other paths go on to `next`.
 * @example
 * ```ts
 * app.use(ingestRoutes(createIngestApi(keys, { onEvents: (events) => console.log(events) })))
 * ```
 */
export function ingestRoutes(api: IngestEndpoints, ...more: never[]) {
  assertIngestApi(api)
  refuseRouteOptions('ingestRoutes', more, `app.use('/internal', ingestRoutes(api))`)

  return function ingestRoutes(request: IncomingMessage, response: ServerResponse, next?: NodeNext): void {
    if (typeof response?.writeHead !== 'function') {
      refuseForeign('Express', [request, response, next])
      return
    }
    const { originalUrl, baseUrl, url } = request as NodeRequest
    answerIngest(api, request, response, pathOf(url), { url: originalUrl, mountPath: baseUrl, response })
      .then((answered) => {
        if (answered) return
        if (next !== undefined) next()
        else response.writeHead(404).end()
      })
      .catch((error: unknown) => {
        if (next !== undefined) next(error)
        else response.destroy(error instanceof Error ? error : undefined)
      })
  }
}

/**
 * Answers a Node request when it belongs to an ingest API.
 * @param path within the mount point, without the query
 * @param holders see `hideKey`
 * @returns whether it was answered, or nobody is left to answer
 */
export async function answerIngest(
  api: IngestEndpoints,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  hints: RequestHints,
  ...holders: TargetHolder[]
): Promise<boolean> {
  const route = api.find(path)
  if (route === undefined) return false
  const isOurs = request.method === 'OPTIONS' || route.methods.includes(request.method ?? '')
  if (!isOurs) return false
  const answer = await answerOnce(api, route, toIngestRequest(request, hints), request)
  if (answer === undefined) return request.method !== 'OPTIONS'
  hideKey(request, answer.carried, ...holders)
  writeReply(response, answer.reply)
  return true
}

/**
 * The answer of an ingest API to a request, which may have passed guards.
 * @param passed identifies it, see `verifyOnce`
 */
export async function answerOnce(
  api: IngestEndpoints,
  route: IngestRoute,
  request: IngestRequest,
  passed: object,
): Promise<IngestAnswer | undefined> {
  const answer = await api.answer(route, request, (read) =>
    verifyOnce(passed, api.keys, () => read, read.eventType),
  )
  if (answer?.isRefused) takeBackHeaders(passed)
  return answer
}

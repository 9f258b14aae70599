import type { IncomingMessage, ServerResponse } from 'node:http'
import { answerByFetch, type FetchHandler, pathOf } from './fetch-exchange.ts'
import { refuseForeign } from './foreign-request.ts'
import { refuseRouteOptions } from './route-options.ts'
import { assertAdminApi } from './taken-api.ts'

/**
 * Express, Connect and plain Node middleware that serves a management API, at the root of an app or under a
 * mount point, before or after body parsers. Requests for other paths go on to `next`.
 * @example
 * ```ts
 * app.use(adminRoutes(createAdminApi(keys, { tokens: [{ name: 'ops', token, role: 'admin' }] })))
 * ```
 */
export function adminRoutes(api: FetchHandler, ...more: never[]) {
  assertAdminApi(api)
  refuseRouteOptions('adminRoutes', more, `app.use('/internal', adminRoutes(api))`)

  return function adminRoutes(
    request: IncomingMessage,
    response: ServerResponse,
    next?: (error?: unknown) => void,
  ): void {
    if (typeof response?.writeHead !== 'function') {
      refuseForeign('Express', [request, response, next])
      return
    }
    const path = pathOf(request.url)
    if (!api.handles(path)) {
      if (next !== undefined) next()
      else response.writeHead(404).end()
      return
    }
    answerByFetch(api, request, response).catch((error: unknown) => {
      if (next !== undefined) next(error)
      else response.destroy(error instanceof Error ? error : undefined)
    })
  }
}

import { Hono } from 'hono'
import { assertNotFailed } from '../http/failed-request.ts'
import { isPlainPath } from '../http/plain-path.ts'
import { badOption } from '../runtime/config-error.ts'
import { textAnswer } from '../runtime/option-answer.ts'
import type { WriteKeys } from '../write-keys-interface.ts'
import { createAccess } from './access.ts'
import {
  type AdminApiOptions,
  type RequestInfo,
  type ResolvedAdminOptions,
  resolveAdminOptions,
} from './admin-options.ts'
import { createCallHandler } from './call-handler.ts'
import { type CallVisit, createCallRefusals } from './call-refusals.ts'
import type { Operation } from './operation.ts'
import { allowedMethods, routePath } from './operation-path.ts'
import { createPage, type Page, pagePath } from './page/page.ts'
import { readPageAssets } from './page/page-assets.ts'
import { AdminProblem } from './problem.ts'
import { listOperations } from './routes/index.ts'

/**
 * The management API as a web-standard handler: for `adminRoutes`, and for any server that speaks `Request`
 * and `Response`.
 */
export interface AdminApi {
  /** Answers a request. Never rejects. */
  fetch(request: Request, info?: RequestInfo): Promise<Response>
  /** Whether a path belongs to this API, so that the caller can pass all others on. */
  handles(path: string): boolean
}

interface Env {
  Bindings: { visit: CallVisit }
}

/**
 * The management API: keys, life cycle, usage, audit log, openapi.json.
 *
 * @throws ConfigError for an unknown option or a bad value, and when nothing says who may call.
 * @example
 * ```ts
 * const api = createAdminApi(keys, { tokens: [{ name: 'ops', token: process.env.ADMIN_TOKEN, role: 'admin' }] })
 * app.use(adminRoutes(api))
 * ```
 */
export function createAdminApi(keys: WriteKeys, options: AdminApiOptions): AdminApi {
  if (typeof keys?.noteRefused !== 'function')
    throw badOption('keys', keys, 'what createWriteKeys() returned')
  const resolved = resolveAdminOptions(keys, options)
  const { basePath } = resolved
  const access = createAccess(resolved)
  const operations = listOperations(basePath)
  const page = createPageOf(resolved)
  const refusals = createCallRefusals(keys, resolved)
  const handle = createCallHandler(keys, access, resolved.now)
  // Decisions are recorded from now on, so that there is something to see later.
  void keys.activity

  /** Whoever is not allowed to call does not learn which paths exist. */
  async function refuseUnknown(request: Request, visit: CallVisit): Promise<never> {
    visit.principal = (await access.identify(request, { address: visit.address })).principal
    const { pathname } = new URL(request.url)
    const allowed = isPlainPath(pathname) ? allowedMethods(operations, basePath, pathname) : []
    if (allowed.length === 0) throw new AdminProblem('not_found')
    throw new AdminProblem('method_not_allowed', { headers: { allow: allowed.join(', ') } })
  }

  const app = new Hono<Env>({ strict: false })
  for (const operation of operations) {
    app.on(operation.method, routePath(basePath, operation), async ({ req, env }) => {
      const answer = await handle(operation, req.raw, req.param() as Record<string, string>, env.visit)
      refusals.succeeded()
      return answer
    })
  }
  app.notFound((context) => refuseUnknown(context.req.raw, context.env.visit))
  app.onError((error, context) => refusals.refuse(error, context.req.raw, context.env.visit))

  return {
    async fetch(request, info = {}) {
      const visit: CallVisit = {
        operation: undefined,
        principal: undefined,
        address: undefined,
        keyId: undefined,
      }
      try {
        const answer = page?.answer(request, pathWithin(basePath, request.url))
        if (answer !== undefined) return answer
        assertNotFailed(info)
        const address = textAnswer('ip', info.address)
        visit.address = resolved.clientAddress(address, Object.fromEntries(request.headers))
        if (!isPlainPath(new URL(request.url).pathname)) await refuseUnknown(request, visit)
        return await app.fetch(request, { visit })
      } catch (error) {
        return refusals.refuse(error, request, visit)
      }
    },
    handles: isBelow(rootsOf(basePath, operations, page !== undefined)),
  }
}

function createPageOf(options: ResolvedAdminOptions): Page | undefined {
  const { page, ingestPath, authorize, frameAncestors } = options
  if (!page) return undefined
  const asksApplication = authorize !== undefined
  return createPage({ assets: readPageAssets(), ingestPath, asksApplication, frameAncestors })
}

/** The paths below which everything belongs to this API. */
function rootsOf(basePath: string, operations: readonly Operation[], hasPage: boolean): string[] {
  const paths = operations.map(({ path }) => path.split('/{')[0] as string)
  if (hasPage) paths.push(pagePath)
  return [...new Set(paths.map((path) => basePath + path))]
}

function isBelow(roots: readonly string[]): (path: string) => boolean {
  return (path) => roots.some((root) => path === root || path.startsWith(`${root}/`))
}

function pathWithin(basePath: string, url: string): string {
  const { pathname } = new URL(url)
  return pathname.startsWith(basePath) ? pathname.slice(basePath.length) : ''
}

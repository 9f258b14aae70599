import { type Context, Hono } from 'hono'
import { isPlainPath } from '../http/plain-path.ts'
import { badOption } from '../runtime/config-error.ts'
import type { WriteKeys } from '../write-keys-interface.ts'
import { createAccess } from './access.ts'
import {
  type AdminApiOptions,
  type Principal,
  type RequestInfo,
  resolveAdminOptions,
} from './admin-options.ts'
import { validateBody, validateQuery } from './call-input.ts'
import { assertSameOrigin } from './cross-site.ts'
import { toProblem } from './error-problem.ts'
import { createKeyNames } from './key-names.ts'
import type { Operation } from './operation.ts'
import { allowedMethods, routePath } from './operation-path.ts'
import { createPage, pagePath } from './page/page.ts'
import { readPageAssets } from './page/page-assets.ts'
import { AdminProblem, toProblemResponse } from './problem.ts'
import { createRefusalAudit } from './refusal-audit.ts'
import { listOperations } from './routes/index.ts'
import { inAllWorkspaces, inWorkspace } from './workspace-scope.ts'

/**
 * The management API as a web-standard handler: for `adminRoutes`, and for any server that speaks `Request`
 * and `Response`.
 */
export interface AdminApi {
  /** Answers a request. Never rejects. */
  fetch(request: Request, info?: RequestInfo): Promise<Response>
  /** Whether a path belongs to this API, so that whoever mounts it can pass all others on. */
  handles(path: string): boolean
}

/** What is known of a call when it is refused. */
interface Visit {
  operation: Operation | undefined
  principal: Principal | undefined
  address: string | undefined
  keyId: string | undefined
}

interface Env {
  Bindings: { address: string | undefined; visit: Visit }
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
  const { basePath, logger } = resolved
  const access = createAccess(resolved)
  let toldFailure = ''
  const keyNames = createKeyNames(keys, resolved.now)
  const noteRefusal = createRefusalAudit(keys, resolved.now)

  const operations = listOperations(basePath)
  const page = resolved.page
    ? createPage({
        assets: readPageAssets(),
        ingestPath: resolved.ingestPath,
        asksApplication: resolved.authorize !== undefined,
      })
    : undefined
  const paths = operations.map(({ path }) => path.split('/{')[0] as string)
  if (page !== undefined) paths.push(pagePath)
  const roots = [...new Set(paths.map((path) => basePath + path))]
  // Decisions are kept from now on, so that there is something to see when somebody looks.
  void keys.activity

  const app = new Hono<Env>({ strict: false })
  for (const operation of operations) {
    app.on(operation.method, routePath(basePath, operation), (context) => handle(operation, context))
  }
  app.notFound((context) => refuseUnknown(context.req.raw, context.env))
  app.onError((error, context) => refuse(error, context.req.raw, context.env.visit))

  /** Whether and what is decided before a byte of the body is read. */
  async function handle(operation: Operation, context: Context<Env>): Promise<Response> {
    const request = context.req.raw
    const { visit, address } = context.env
    const params = context.req.param() as Record<string, string>
    visit.operation = operation
    visit.keyId = params.id
    const { principal, identifiedBy } = await access.identify(request, { address })
    visit.principal = principal
    if (operation.method !== 'GET') assertSameOrigin(request.headers, identifiedBy)
    if (operation.role === 'admin' && principal.role !== 'admin') throw new AdminProblem('read_only_token')
    const query = validateQuery(operation, new URL(request.url).searchParams)
    const body = await validateBody(operation, request)
    const { workspace } = principal
    const scoped = workspace === undefined ? inAllWorkspaces(keys) : inWorkspace(keys, workspace)
    const isStillAllowed = () => access.isStill(principal, request, { address })
    const answer = await operation.handle({
      request,
      params,
      query,
      body,
      principal,
      address,
      keys: scoped,
      keyNames: workspace === undefined ? keyNames : createKeyNames(scoped, resolved.now),
      now: resolved.now,
      isStillAllowed,
    })
    toldFailure = ''
    return answer
  }

  /** Tells strangers nothing about which paths there are. */
  async function refuseUnknown(request: Request, { address, visit }: Env['Bindings']): Promise<never> {
    visit.principal = (await access.identify(request, { address })).principal
    const { pathname } = new URL(request.url)
    const allowed = isPlainPath(pathname) ? allowedMethods(operations, basePath, pathname) : []
    if (allowed.length === 0) throw new AdminProblem('not_found')
    throw new AdminProblem('method_not_allowed', { headers: { allow: allowed.join(', ') } })
  }

  async function refuse(error: unknown, request: Request, visit: Visit): Promise<Response> {
    const problem = toProblem(error)
    if (problem.status >= 500) report(error, problem)
    // Reading is noted when somebody tries tokens; a change always.
    const isNoted = request.method !== 'GET' && request.method !== 'HEAD' && request.method !== 'OPTIONS'
    const isGuess = problem.code === 'invalid_token' && request.headers.has('authorization')
    if (problem.status < 500 && (isNoted || isGuess) && problem.code !== 'too_many_failures') {
      await noteRefusal({ ...visit, problem, call: visit.operation?.id ?? request.method.slice(0, 20) })
    }
    return toProblemResponse(problem)
  }

  /** A page that asks again and again tells of one outage once. */
  function report(error: unknown, problem: AdminProblem): void {
    const failure = `${problem.code} ${error instanceof Error ? error.message : ''}`
    if (failure === toldFailure) return
    toldFailure = failure
    try {
      logger?.error?.({ err: error }, `writekey: a management call failed: ${problem.code}`)
    } catch {
      // The logger belongs to the application; its faults change no answer.
    }
  }

  return {
    async fetch(request, info = {}) {
      const visit: Visit = {
        operation: undefined,
        principal: undefined,
        address: undefined,
        keyId: undefined,
      }
      try {
        const answer = page?.answer(request, pathWithin(basePath, request.url))
        if (answer !== undefined) return answer
        visit.address = resolved.clientAddress(info.address, Object.fromEntries(request.headers))
        const env = { address: visit.address, visit }
        if (!isPlainPath(new URL(request.url).pathname)) await refuseUnknown(request, env)
        return await app.fetch(request, env)
      } catch (error) {
        return refuse(error, request, visit)
      }
    },
    handles: (path) => roots.some((root) => path === root || path.startsWith(`${root}/`)),
  }
}

function pathWithin(basePath: string, url: string): string {
  const { pathname } = new URL(url)
  return pathname.startsWith(basePath) ? pathname.slice(basePath.length) : ''
}

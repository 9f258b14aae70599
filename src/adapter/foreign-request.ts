/**
 * Ends a request that another framework has handed to a middleware. Without this, the rejected promise or the throw of some frameworks
 * would end the process; and whatever happens, no handler behind the middleware must run.
 *
 * @param framework whose middleware this is
 * @param given what it was called with
 */
export function refuseForeign(framework: string, given: readonly unknown[]): void {
  const [request, response, next] = given
  const error = new TypeError(
    `This is not a request of ${framework}${framework === 'Node' ? ', with its response and next' : ''}; use ${adapterFor(request)}.`,
  )
  if (typeof next === 'function') {
    next(error)
    return
  }
  const answer = response as Partial<ForeignAnswer> | undefined
  if (typeof answer?.writeHead !== 'function') throw error
  process.emitWarning(error)
  answer.writeHead(500)
  answer.end?.()
}

interface ForeignAnswer {
  writeHead(status: number): void
  end(): void
}

/** The entry of the package for what a framework passes to middleware. */
function adapterFor(request: unknown): string {
  const { req, res, raw, app, headers } = (request ?? {}) as Readonly<Record<string, unknown>>
  if (typeof req === 'object' && req !== null && 'raw' in req) return 'writekey/hono'
  if (req !== undefined && res !== undefined && !isNodeMessage(request)) return 'writekey/koa'
  if (raw !== undefined) return 'writekey/fastify'
  if (typeof Headers !== 'undefined' && headers instanceof Headers) return 'writekey/fetch'
  if (!isNodeMessage(request)) return 'writekey/fetch or writekey/adapter'
  return typeof app === 'function' ? 'writekey/express' : 'writekey/node, with a third argument next'
}

function isNodeMessage(request: unknown): boolean {
  return typeof (request as { rawHeaders?: unknown } | null)?.rawHeaders === 'object'
}

/** Whether a middleware was called with Node's response, or what stands for it, and `next`. */
export function isNodeCall(response: unknown, next: unknown): boolean {
  return (
    typeof next === 'function' &&
    typeof (response as { writeHead?: unknown } | null | undefined)?.writeHead === 'function'
  )
}

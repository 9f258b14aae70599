import { sharedLayout } from '../runtime/shared-by-copies.ts'
import type { IngestRequest } from './ingest-request.ts'

const failure = /* @__PURE__ */ Symbol.for(`writekey.failure.${sharedLayout}`)

/** Marks a request that something of the application has failed for: `verify` refuses it as our fault, with 503. */
export function markFailed(request: IngestRequest, error: unknown): IngestRequest {
  return Object.assign(request, { [failure]: { error } })
}

/** @throws what a request has failed with */
export function assertNotFailed(request: IngestRequest): void {
  const failed = (request as { [failure]?: { error: unknown } })[failure]
  if (failed !== undefined) throw failed.error
}

import type { ServerResponse } from 'node:http'
import type { IngestRequest } from '../http/ingest-request.ts'
import { mayBeSettled, withSettlement } from '../verifier/settlement.ts'

/**
 * For a guard with endpoints of the same keys behind it, which may refuse what it lets through: the request
 * is counted by them, or else as accepted once it has been answered.
 */
export function leaveCountOpen(
  request: IngestRequest,
  keys: object,
  response: ServerResponse,
): IngestRequest {
  if (!mayBeSettled(keys)) return request
  return withSettlement(request, (settlement) => {
    const accept = () => settlement.accept()
    if (response.destroyed || response.writableFinished) return accept()
    // Responses of serverless adapters tell one or the other.
    response.once('finish', accept).once('close', accept)
  })
}

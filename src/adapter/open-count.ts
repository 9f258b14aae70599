import type { ServerResponse } from 'node:http'
import type { IngestRequest } from '../http/ingest-request.ts'
import { mayBeSettled, type Settlement, withSettlement } from '../verifier/settlement.ts'

/** For guards that see no end of the answer, such as those of web-standard frameworks. */
export interface OpenCount {
  /** Marks a request before it is verified: endpoints and guards of the same keys behind it decide. */
  leave(request: IngestRequest): IngestRequest
  /** To be called once handlers are done: counts the request as accepted, unless it has been counted. */
  close(): void
}

const countedAtOnce: OpenCount = { leave: (request) => request, close() {} }

/**
 * Leaves it open whether one request counts as accepted, where endpoints of `createIngestApi` or other guards
 * of the same keys may refuse what the guard lets through. Without them a request is counted at once.
 */
export function openCount(keys: object): OpenCount {
  if (!mayBeSettled(keys)) return countedAtOnce
  let settlement: Settlement | undefined
  return {
    leave: (request) =>
      withSettlement(request, 'guard', (given) => {
        settlement = given
      }),
    close: () => settlement?.accept(),
  }
}

/** The same for Node's response: a request that nobody else counts is accepted once it has been answered. */
export function leaveCountOpen(
  request: IngestRequest,
  keys: object,
  response: ServerResponse,
): IngestRequest {
  if (!mayBeSettled(keys)) return request
  return withSettlement(request, 'guard', (settlement) => {
    const accept = () => settlement.accept()
    if (response.destroyed || response.writableFinished) return accept()
    // Responses of serverless adapters tell one or the other.
    response.once('finish', accept).once('close', accept)
  })
}

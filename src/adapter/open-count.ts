import type { ServerResponse } from 'node:http'
import type { IngestRequest } from '../http/ingest-request.ts'
import { inBackground } from '../runtime/timers.ts'
import { mayBeSettled, type Settlement, withSettlement } from '../verifier/settlement.ts'

/** For guards that see no end of the answer, such as those of web-standard frameworks. */
export interface OpenCount {
  /** Marks a request before it is verified: endpoints and guards of the same keys behind it decide. */
  leave(request: IngestRequest): IngestRequest
  /** To be called once handlers are done: counts the request as accepted, unless somebody else has it. */
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
    close: () => settlement?.pass(),
  }
}

/** How long a request whose sender has left may take from the guard to an endpoint or an inner guard. */
const onItsWayMs = 10_000
/**
 * The bodies of all such requests together, in bytes. Without a limit, senders that leave at once could fill
 * the memory with what nobody works on any more.
 */
const mostOnTheirWay = 16_000_000
/** What a request without a body, or with one of unknown length, counts as. */
const usualBytes = 4_096
let onTheirWay = 0

/** The same for Node's response: a request that nobody else counts is accepted once it has been answered. */
export function leaveCountOpen(
  request: IngestRequest,
  keys: object,
  response: ServerResponse,
): IngestRequest {
  if (!mayBeSettled(keys)) return request
  return withSettlement(request, 'guard', ({ pass, bytes = 0 }) => {
    let isOver = false
    const end = () => {
      if (isOver) return
      isOver = true
      // A response of HTTP/2 says that it is finished, too, when its sender has left before the answer.
      if (response.writableEnded === false) passLater(pass, response, Math.max(bytes, usualBytes))
      else pass()
    }
    if (response.destroyed || response.writableFinished) return end()
    // Responses of serverless adapters tell one or the other.
    response.once('finish', end).once('close', end)
  })
}

/**
 * The sender has left. What is behind the guard goes on, and may still get to an endpoint or an inner guard:
 * until it answers nobody, or for some time, as most handlers that notice do nothing more.
 */
function passLater(pass: () => void, response: ServerResponse, bytes: number): void {
  if (onTheirWay + bytes > mostOnTheirWay) {
    pass()
    return
  }
  onTheirWay += bytes
  const timer = inBackground(setTimeout(passNow, onItsWayMs))
  let isPassed = false
  function passNow() {
    if (isPassed) return
    isPassed = true
    clearTimeout(timer)
    onTheirWay -= bytes
    pass()
  }
  const end = response.end as (...args: unknown[]) => ServerResponse
  response.end = function endForNobody(this: ServerResponse, ...args: unknown[]) {
    passNow()
    return end.apply(this, args)
  }
}

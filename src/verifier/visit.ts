import type { BodyAccount } from '../http/body-holders.ts'
import type { IngestRequest } from '../http/ingest-request.ts'
import type { ReceivedBody } from '../http/received-body.ts'
import type { QuotaMonth } from '../limits/quotas.ts'
import type { Rate } from '../limits/rate-limiter.ts'
import type { ClientAddress } from '../rules/client-address.ts'
import { sharedLayout } from '../runtime/shared-by-copies.ts'
import type { CompiledKey } from './compiled-key.ts'
import type { Presented } from './credentials.ts'
import type { CheckedEvents } from './events.ts'
import { isFromPage, pageOrigin } from './page-origin.ts'
import { type Reading, readingOf } from './reading.ts'
import type { Reason } from './reasons.ts'
import type { UndecidedCount } from './undecided-count.ts'

/** One request on its way through the checks. */
export interface Visit extends BodyAccount {
  /** After the verdict: as handlers see it, without the key in its target. */
  request: IngestRequest
  readonly reading: Reading
  /** What was found where a key may be. */
  presented: Presented
  /** Whether a page in a browser made it. */
  readonly fromPage: boolean
  /** The page's; undefined when there is none, or it cannot be told. */
  readonly origin: string | undefined
  /** The client's, once it was needed; null = it cannot be told. */
  address: ClientAddress | null | undefined
  /** Set when the key is known to be good: before that, every refusal must look the same. */
  key: CompiledKey | undefined
  /** Known to hooks as soon as the store knows the secret, good or not. */
  keyId: string | undefined
  /** When the key was looked up, or found after a wait: milliseconds since the epoch. */
  at: number
  /** What the route or path says about every event; null = each event says its own type. */
  routeType: string | null
  allowOrigin: string | null
  received: ReceivedBody | RefusedUnread | undefined
  /** What step 11 has let through. */
  checked: CheckedEvents | undefined
  /** Whether anything was awaited since the key was found: it may have changed meanwhile. */
  waited: boolean
  /** What the limiter has charged. */
  charged: number
  /** What the sender's share was charged, and at which rate. */
  chargedSender: number
  senderRate: Rate | undefined
  /** Where its events have been taken from, until they are given back or counted. */
  quotaMonth: QuotaMonth | undefined
  quotaTaken: number
  isOverQuota: boolean
  /** Whether less is left of the sender's share than of the key's bucket. */
  isSenderTighter: boolean
  /**
   * Whether an outer guard with other keys has charged the request already: only the outermost guard limits
   * rates. Each takes from the quotas of its own keys.
   */
  readonly isPaid: boolean
  /** The length of its body, if that guard knows it. */
  readonly paidBytes: number | undefined
  /** What the key's rules on trial would have said. */
  wouldRefuse: Reason | undefined
  /**
   * Of a request that has passed while somebody else still decides about it. Shared by the visits of inner
   * guards. Undefined: it is counted at once.
   */
  count: UndecidedCount | undefined
  /** Whether it has been counted as accepted: whoever refuses it then does not count it again. */
  isCounted: boolean
}

const paid = /* @__PURE__ */ Symbol.for(`writekey.paid.${sharedLayout}`)

/**
 * Marks a request that another guard has charged. No sender can: nothing in a request makes a symbol.
 * @param bytes the length of its body, as that guard has read it; undefined if it does not know either
 */
export function markPaid(request: IngestRequest, bytes: number | undefined): IngestRequest {
  return Object.assign(request, { [paid]: { bytes } })
}

const foreignPage = /* @__PURE__ */ Symbol.for(`writekey.foreignPage.${sharedLayout}`)

/** Marks a request of a page that only a key which names the page's origin may let through. */
export function markForeignPage(request: IngestRequest): IngestRequest {
  return Object.assign(request, { [foreignPage]: true })
}

export function isForeignPage(request: IngestRequest): boolean {
  return (request as { [foreignPage]?: boolean })[foreignPage] === true
}

/** A body that is not read, because the address has sent too many unknown keys. */
interface RefusedUnread {
  readonly ok: false
  readonly reason: 'too_many_failures'
  readonly bodyLeft: true
}

export function createVisit(request: IngestRequest, usual: Reading): Visit {
  const { headers } = request
  const fromPage = isFromPage(headers)
  const payment = (request as { [paid]?: { bytes: number | undefined } })[paid]
  return {
    request,
    reading: readingOf(request, usual),
    presented: undefined,
    fromPage,
    origin: fromPage ? pageOrigin(headers) : undefined,
    address: undefined,
    key: undefined,
    keyId: undefined,
    at: 0,
    routeType: null,
    allowOrigin: '*',
    received: undefined,
    checked: undefined,
    heldBytes: 0,
    heldUnknownBytes: 0,
    giveUp: undefined,
    entry: undefined,
    lostRoom: false,
    waited: false,
    charged: 0,
    chargedSender: 0,
    senderRate: undefined,
    isSenderTighter: false,
    quotaMonth: undefined,
    quotaTaken: 0,
    isOverQuota: false,
    isPaid: payment !== undefined,
    paidBytes: payment?.bytes,
    wouldRefuse: undefined,
    count: undefined,
    isCounted: false,
  }
}

/** For something that is not even a request: only its body is looked at, which may stay unread. */
export function createEmptyVisit(request: unknown, usual: Reading): Visit {
  return createVisit({ method: 'POST', path: '/', headers: {}, body: bodyIfAny(request) }, usual)
}

function bodyIfAny(request: unknown): unknown {
  try {
    return (request as Partial<IngestRequest> | undefined)?.body
  } catch {
    return undefined
  }
}

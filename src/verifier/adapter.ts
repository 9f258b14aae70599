import type { IngestRequest, Reply } from '../http/ingest-request.ts'
import { ConfigError } from '../keys/errors.ts'
import type { VerifiedKey } from './compiled-key.ts'
import type { IngestEvent, RejectedEvent } from './events.ts'
import { refusalReply } from './replies.ts'
import type { Accepted, Refused, Verdict } from './verdict.ts'

/** What handlers find on the request: the key that verified it, and the events. */
export interface WriteKeyContext extends VerifiedKey {
  /** The events as sent, less `writeKey`; empty for GET and HEAD. */
  readonly events: IngestEvent[]
  /** Events left out under `onForbiddenEvent: 'drop'`. */
  readonly rejected: readonly RejectedEvent[]
}

export function toContext(verdict: Accepted): WriteKeyContext {
  const { id, name, sourceType, environment, metadata, secretId, start } = verdict.writeKey
  const { events, rejected } = verdict
  return { id, name, sourceType, environment, metadata, secretId, start, events, rejected }
}

/** Options that every adapter has. */
export interface AdapterOptions<OnRefused> {
  /** The type of every event on this route, for routes whose path does not say it. */
  eventType?: string
  /** Called before a refusal is written; may be async. When it has answered the request itself, nothing more is written. A throw is ignored. */
  onRefused?: OnRefused
  /** Where handlers find the key and the events. Default `'writeKey'`. */
  requestProperty?: string
}

/** The part of `WriteKeys` that adapters use. */
export interface VerifyingKeys {
  preflight(request: IngestRequest): Reply | undefined
  verify(request: IngestRequest): Promise<Verdict>
}

const optionNames = ['eventType', 'onRefused', 'requestProperty']

/** @throws ConfigError for something that is not the result of `createWriteKeys`, an unknown option or a bad value. */
export function assertAdapterOptions(keys: VerifyingKeys, options: AdapterOptions<unknown>): void {
  if (typeof keys?.verify !== 'function' || typeof keys.preflight !== 'function') {
    throw new ConfigError('keys', keys, 'what createWriteKeys() returned')
  }
  if (typeof options !== 'object' || options === null) throw new ConfigError('options', options, 'an object')
  for (const name of Object.keys(options)) {
    if (!optionNames.includes(name))
      throw new ConfigError(`options: "${name}"`, 'an unknown option', `one of ${optionNames.join(', ')}`)
  }
  const { eventType, onRefused, requestProperty } = options
  if (eventType !== undefined && (typeof eventType !== 'string' || eventType === '')) {
    throw new ConfigError('eventType', eventType, "an event type such as 'track'")
  }
  if (onRefused !== undefined && typeof onRefused !== 'function')
    throw new ConfigError('onRefused', onRefused, 'a function')
  if (requestProperty !== undefined && (typeof requestProperty !== 'string' || requestProperty === '')) {
    throw new ConfigError('requestProperty', requestProperty, 'the name of a property')
  }
}

/** Calls an application's `onRefused`; whatever goes wrong in it, the refusal is still written. */
export async function tellRefused(call: () => unknown): Promise<void> {
  try {
    await call()
  } catch {
    // The hook belongs to the application; its faults are not the sender's.
  }
}

/** A list, as one request may pass adapters of different keys. */
interface EarlierVerdict {
  readonly keys: VerifyingKeys
  readonly eventType: string | undefined
  readonly verdict: Promise<Verdict>
  readonly before: EarlierVerdict | undefined
}

/**
 * One weak map: one per request in it took 0.3 µs more. Beside the request, not on it: each property added to a request
 * of Express's, whose prototype has been replaced, gives it a hidden class of its own, which takes 4 µs.
 */
const verdicts = new WeakMap<object, EarlierVerdict>()

/**
 * Verifies a request once for each set of keys, however many adapters it passes, so that it is read and charged once.
 * @param exchange the framework-independent request object (Node's), which all adapters of one request share.
 */
export function verifyOnce(
  keys: VerifyingKeys,
  exchange: object,
  request: () => IngestRequest,
  eventType?: string,
): Promise<Verdict> {
  const latest = verdicts.get(exchange)
  let earlier = latest
  while (earlier !== undefined && earlier.keys !== keys) earlier = earlier.before
  if (earlier === undefined) {
    const verdict = keys.verify(request())
    verdicts.set(exchange, { keys, eventType, verdict, before: latest })
    return verdict
  }
  if (eventType === undefined || eventType === earlier.eventType) return earlier.verdict
  return earlier.verdict.then((verdict) => (verdict.ok ? assertEventType(verdict, eventType) : verdict))
}

/** The inner of two adapters names a type: events that say another one are refused, as if it had stood alone. */
function assertEventType(verdict: Accepted, eventType: string): Accepted | Refused {
  const differs = verdict.events.some((event) => Object.hasOwn(event, 'type') && event.type !== eventType)
  if (!differs) return verdict
  const reply = refusalReply('event_type_mismatch', 'auto', {
    allowOrigin: verdict.headers['access-control-allow-origin'] ?? null,
    fromBrowser: false,
    closeConnection: false,
  })
  return { ok: false, reason: 'event_type_mismatch', reply }
}

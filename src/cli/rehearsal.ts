import type { CredentialSource, WriteKeysOptions } from '../index.ts'
import type { CreateKeyInput } from '../keys/key-fields.ts'
import { isWellFormedSecret } from '../keys/secret.ts'
import { importedKeysOption } from '../keys/secret-shape.ts'
import { standardEventTypes } from '../rules/event-types.ts'
import type { Reason } from '../verifier/reasons.ts'
import type { Accepted } from '../verifier/verdict.ts'
import { type KeySpot, keySpots } from './key-spots.ts'
import type { PastedRequest } from './pasted-request.ts'
import { noteOn, send } from './rehearsed-request.ts'

/** What becomes of a request whose key is good. */
export interface Rehearsal {
  /** Where its key stands; undefined: no part of it can be a key. */
  spot: KeySpot | undefined
  /** Why it is refused all the same; `null`: it is not. */
  reason: Reason | null
  /** Whether nothing is wrong with it but, at most, the place of its key. */
  isGood: boolean
  /** What the option `credentials` must name besides, for it to be accepted. */
  needs: CredentialSource | undefined
  /** Type, name and page of its event, as far as there is a single one. */
  asks: { type?: string; name?: string; origin?: string }
  /** What explains a refusal of its body. */
  note?: string | undefined
}

/**
 * Sends a request to write keys of its own, which have everything that could be meant as its key. So the same
 * code as on a server says whether a key is found.
 */
export async function rehearse(request: PastedRequest, options: WriteKeysOptions): Promise<Rehearsal> {
  const shape = importedKeysOption(options.importedKeys, 'importedKeys')
  const isKey = (text: string) => isWellFormedSecret(text) || shape?.matches(text) === true
  const spots = keySpots(request, isKey)
  const found = await send(request, spots, options)
  if (found.verdict !== undefined)
    return {
      spot: found.spot,
      reason: null,
      isGood: true,
      needs: undefined,
      asks: asksOf(request, found.verdict),
    }

  const ofKeys = [
    ...spots.filter(({ secret }) => isKey(secret)),
    ...spots.filter(({ secret }) => !isKey(secret)),
  ]
  for (const spot of isOfKey(found.reason) ? ofKeys : []) {
    if (spot.place === undefined || spot.place === 'basic') continue
    const added = await send(request, [spot], withPlace(options, spot.place)).catch(() => undefined)
    if (added !== undefined && !isOfKey(added.reason))
      return {
        spot,
        reason: found.reason,
        isGood: added.verdict !== undefined,
        needs: spot.place,
        asks: asksOf(request, added.verdict),
      }
  }
  return {
    spot: ofKeys[0],
    reason: found.reason,
    isGood: false,
    needs: undefined,
    asks: {},
    note: noteOn(request),
  }
}

/** What the rules of its key say to a request, which was found good without them. */
export async function rehearseRules(
  request: PastedRequest,
  { spot, needs }: Pick<Rehearsal, 'needs'> & { spot: KeySpot },
  rules: Partial<CreateKeyInput>,
  options: WriteKeysOptions,
): Promise<{ reason: Reason | null; wouldRefuse: Reason | null; note?: string }> {
  // Types that rules name are known to the server.
  const types = new Set([...(options.eventTypes ?? []), ...(rules.allowedEventTypes ?? [])])
  for (const type of standardEventTypes) types.delete(type)
  const known = { ...withPlace(options, needs), eventTypes: [...types] }
  const { reason, verdict } = await send(request, [spot], known, rules)
  // Rules that this version does not take are the server's to judge.
  if (isOfKey(reason)) return { reason: null, wouldRefuse: null }
  const isOfEvents = reason === 'event_type_not_allowed' || reason === 'event_name_not_allowed'
  const dropping = { ...known, onForbiddenEvent: 'drop' } as const
  const isDropped = isOfEvents && (await send(request, [spot], dropping, rules)).reason === null
  return {
    reason,
    wouldRefuse: verdict?.wouldRefuse ?? null,
    ...(isDropped && { note: "With onForbiddenEvent: 'drop', its other events are accepted." }),
  }
}

function withPlace(options: WriteKeysOptions, place: CredentialSource | undefined): WriteKeysOptions {
  if (place === undefined) return options
  return { ...options, credentials: [options.credentials ?? 'basic', place].flat() as CredentialSource[] }
}

/** Whether it is refused for want of a good key in a place that is read. */
function isOfKey(reason: Reason | null): boolean {
  return reason === 'missing_key' || reason === 'malformed_key' || reason === 'unknown_key'
}

function asksOf({ hasHiddenBody }: PastedRequest, accepted: Accepted | undefined): Rehearsal['asks'] {
  if (accepted === undefined) return {}
  const { events, eventType, origin } = accepted
  const [event, ...more] = events
  const page = origin === undefined ? {} : { origin }
  if (event === undefined || more.length > 0 || hasHiddenBody) return page
  const type = eventType ?? event.type
  const name = event.event ?? event.name
  if (typeof type !== 'string') return page
  return { ...page, type, ...(typeof name === 'string' && { name }) }
}

import { type CredentialSource, createWriteKeys, type WriteKeysOptions } from '../index.ts'
import { isWellFormedSecret } from '../keys/secret.ts'
import { importedKeysOption } from '../keys/secret-shape.ts'
import type { Reason } from '../verifier/reasons.ts'
import type { Accepted } from '../verifier/verdict.ts'
import { type KeySpot, keySpots } from './key-spots.ts'
import type { PastedRequest } from './pasted-request.ts'

/** What becomes of a request whose key is good. */
export interface Rehearsal {
  /** Where its key stands; undefined: no part of it can be a key. */
  spot: KeySpot | undefined
  /** Why it is refused all the same; `null`: it is not. */
  reason: Reason | null
  /** What the option `credentials` must name besides, for it to be accepted. */
  needs: CredentialSource | undefined
  /** Type, name and page of its event, as far as there is a single one. */
  asks: { type?: string; name?: string; origin?: string }
}

/** Every secret that can be imported at all: which of them are good is the server's to say. */
const anySecret = /^[!-9;-~]{16,256}$/

/**
 * Sends a request to write keys of its own, which have everything that could be meant as its key. So the same
 * code as on a server says whether a key is found.
 */
export async function rehearse(request: PastedRequest, options: WriteKeysOptions): Promise<Rehearsal> {
  const shape = importedKeysOption(options.importedKeys, 'importedKeys')
  const isKey = (text: string) => isWellFormedSecret(text) || shape?.matches(text) === true
  const spots = keySpots(request, isKey)
  const configured = [options.credentials ?? 'basic'].flat() as CredentialSource[]
  const found = await send(request, spots, { ...options, credentials: configured })
  if (found.verdict !== undefined)
    return { spot: found.spot, reason: null, needs: undefined, asks: asksOf(request, found.verdict) }

  const ofKeys = [
    ...spots.filter(({ secret }) => isKey(secret)),
    ...spots.filter(({ secret }) => !isKey(secret)),
  ]
  for (const spot of isOfKey(found.reason) ? ofKeys : []) {
    if (spot.place === undefined || spot.place === 'basic') continue
    const added = await send(request, [spot], { ...options, credentials: [...configured, spot.place] }).catch(
      () => undefined,
    )
    if (added !== undefined && !isOfKey(added.reason))
      return { spot, reason: found.reason, needs: spot.place, asks: asksOf(request, added.verdict) }
  }
  return { spot: ofKeys[0], reason: found.reason, needs: undefined, asks: {} }
}

/** Whether it is refused for want of a good key in a place that is read. */
function isOfKey(reason: Reason | null): boolean {
  return reason === 'missing_key' || reason === 'malformed_key' || reason === 'unknown_key'
}

interface Sent {
  verdict?: Accepted
  spot: KeySpot | undefined
  reason: Reason | null
}

async function send(
  request: PastedRequest,
  spots: readonly KeySpot[],
  options: WriteKeysOptions,
): Promise<Sent> {
  const { credentials, environment, keyPrefix, eventTypes } = options
  const keys = createWriteKeys({
    ...(credentials !== undefined && { credentials }),
    ...(environment !== undefined && { environment }),
    ...(keyPrefix !== undefined && { keyPrefix }),
    ...(eventTypes !== undefined && { eventTypes }),
    importedKeys: anySecret,
    pepper: null,
    activity: false,
    logger: false,
  })
  try {
    const secrets = [...new Set(spots.map(({ secret }) => secret))]
    // One that cannot be imported cannot be presented either.
    await keys.import(secrets.map((key, index) => ({ name: String(index), sourceType: 'other', key })))
    const verdict = await keys.verify(toInit(request))
    if (verdict.ok)
      return {
        verdict,
        reason: null,
        spot: spots.find(({ secret }) => secret === secrets[Number(verdict.writeKey.name)]),
      }
    // A preflight carries no key.
    return { reason: verdict.reason === 'preflight' ? 'missing_key' : verdict.reason, spot: undefined }
  } finally {
    await keys.close()
  }
}

function toInit({ method, path, query, headers, body, hasHiddenBody }: PastedRequest) {
  const fields = Object.entries(headers).filter(([name]) => !hasHiddenBody || !name.startsWith('content-'))
  return {
    method,
    path,
    query,
    headers: Object.fromEntries(
      fields.map(([name, values]) => [name, values.length === 1 ? (values[0] as string) : values]),
    ),
    body: hasHiddenBody ? '{"event":"hidden"}' : body,
  }
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

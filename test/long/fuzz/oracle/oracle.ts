import { readBody } from './body.ts'
import { type Found, findInBody, findOutsideBody, isBodySource } from './credentials.ts'
import { judgeEvents } from './events.ts'
import { type House, type KnownKey, type Outcome, type Place, refused, unauthorized } from './expectation.ts'
import { type Message, readMessage } from './message.ts'
import { passesAddressRules, passesOriginRules, readAddress, readPage } from './page.ts'
import { couldBeBelow, readTarget, type Target } from './target.ts'

// Written from the documented contract alone, and importing nothing of the package: where both agree, two readings of the
// contract do. Each function gives all answers that the contract leaves open, mostly one.

export interface Judgement {
  /** One, or several where the contract leaves it open. */
  readonly outcomes: readonly Outcome[]
  /** Whether nothing can follow on the same connection. */
  readonly isLast: boolean
  /** Whether the server may wait for more. */
  readonly isCut?: boolean
  /** Whether bytes follow that belong to no request. */
  readonly isTrailed?: boolean
}

/**
 * @param keys by their secrets
 * @param guardedPrefix the first segment below which requests are guarded; undefined = everywhere
 */
export function judge(
  bytes: Buffer,
  house: House,
  keys: ReadonlyMap<string, KnownKey>,
  guardedPrefix: string | undefined,
): Judgement {
  const reading = readMessage(bytes)
  if (reading.kind === 'malformed' || reading.message === undefined)
    return { outcomes: [{ kind: 'malformed' }], isLast: true, isCut: true }
  const { message } = reading
  const request = { message, house, keys }
  if (guardedPrefix !== undefined && !couldBeBelow(message.target, guardedPrefix)) {
    const isLast = reading.kind === 'incomplete' || message.length !== bytes.length || message.isLenient
    // What is neither a path nor a URL may be taken for either.
    const isOdd = !/^(\/|https?:\/\/)/i.test(message.target)
    return { outcomes: [{ kind: 'outside' }, ...(isOdd ? judgeMessage(request) : [])], isLast, isCut: isLast }
  }
  const outcomes = judgeMessage(request)
  if (reading.kind === 'incomplete') {
    // Refused by what is there of it, or never answered.
    const early = outcomes.filter(({ kind }) => kind === 'refused' || kind === 'preflight')
    return { outcomes: [...early, { kind: 'malformed' }], isLast: true, isCut: true }
  }
  // What comes behind, as a request of its own, is none: the server's answer to it may come first.
  const isTrailed = message.length !== bytes.length
  const more: Outcome[] = message.hasOtherCoding ? [refused('400 invalid_json')] : []
  const isLast = isTrailed || message.hasOtherCoding || message.isLenient
  return {
    outcomes: [...outcomes, ...more, ...(isLast ? [{ kind: 'malformed' } as const] : [])],
    isLast,
    isTrailed,
  }
}

interface Request {
  readonly message: Message
  readonly house: House
  readonly keys: ReadonlyMap<string, KnownKey>
}

function judgeMessage(request: Request): readonly Outcome[] {
  const { method, fields, target, hasTransferEncoding, declaredLength } = request.message
  const has = (name: string) => fields.some((field) => field[0] === name)
  if (method === 'OPTIONS' && has('origin') && has('access-control-request-method'))
    return [{ kind: 'preflight' }]
  return readTarget(target, request.house).flatMap((reading): readonly Outcome[] => {
    if (reading === 'invalid') return [refused('400 invalid_path')]
    if (isBodiless(method) && (hasTransferEncoding || (declaredLength ?? 0) > 0))
      return [refused('400 unexpected_body')]
    return findOutsideBody(request.message, reading, request.house).flatMap((found) =>
      found === 'none' ? searchBody(request, reading) : judgeKey(request, reading, found),
    )
  })
}

const isBodiless = (method: string) => method === 'GET' || method === 'HEAD'

function searchBody(request: Request, target: Target): readonly Outcome[] {
  const { message, house } = request
  if (!house.credentials.some(isBodySource) || isBodiless(message.method)) return [refused(unauthorized)]
  return readBody(message, house).flatMap((reading): readonly Outcome[] => {
    // A body that cannot be searched is told as it is; whether one that is not there can be is not said. Nor is an address
    // that has sent many wrong keys searched at all.
    if ('faults' in reading) {
      const isEmpty = message.body.length === 0
      return [refused(...reading.faults, '429 too_many_failures', ...(isEmpty ? [unauthorized] : []))]
    }
    return findInBody(reading.root, house).flatMap((found) =>
      found === 'none' ? [refused(unauthorized, '429 too_many_failures')] : judgeKey(request, target, found),
    )
  })
}

function judgeKey(request: Request, target: Target, found: Exclude<Found, 'none'>): readonly Outcome[] {
  const { message, house, keys } = request
  if (found === 'bad') return [refused(unauthorized)]
  const key = keys.get(found.text)
  if (key === undefined) {
    const isShaped = isWellFormed(found.text) || (house.importedKeys?.test(found.text) ?? false)
    // Unknown keys are told apart only by how many have come.
    return [isShaped ? refused(unauthorized, '429 too_many_failures') : refused(unauthorized)]
  }
  if (key.state === 'dead') return [refused(unauthorized)]
  if (key.state === 'paused') return [refused('429 key_paused')]
  return readAddress(message, house).flatMap((address): readonly Outcome[] => {
    if (!passesAddressRules(address, key)) return [refused('403 ip_not_allowed')]
    return readPage(message).flatMap((page): readonly Outcome[] => {
      if (!passesOriginRules(page, key, house)) return [refused('403 origin_not_allowed')]
      if (key.state === 'spent') return [refused('429 rate_limited')]
      return judgeContent(request, target, key, found.place).map((outcome) =>
        outcome.kind === 'accepted'
          ? {
              ...outcome,
              ...(address !== undefined && /^\d+\.\d+\.\d+\.\d+$/.test(address) && { ip: address }),
              saysOrigin: key.allowedOrigins === undefined ? '*' : page.isBrowser ? page.origin : undefined,
            }
          : outcome,
      )
    })
  })
}

function judgeContent(request: Request, target: Target, key: KnownKey, place: Place): readonly Outcome[] {
  const { message, house } = request
  const fixed = house.eventType === 'batch' ? null : house.eventType
  const eventType = fixed === undefined ? target.type : fixed
  const accepted = (events: readonly unknown[]): Outcome => ({
    kind: 'accepted',
    key: key.name,
    place,
    events,
    eventType,
    saysOrigin: undefined,
  })
  if (isBodiless(message.method)) return [accepted([])]
  return readBody(message, house).flatMap((reading): readonly Outcome[] => {
    if ('faults' in reading) return [refused(...reading.faults)]
    return judgeEvents(reading.root, eventType, key, house).map((judged) =>
      'faults' in judged
        ? refused(...judged.faults)
        : accepted(judged.events.map((event) => strip(event, house))),
    )
  })
}

/** Less the properties that carry keys. */
function strip(event: Readonly<Record<string, unknown>>, { credentials }: House): unknown {
  const carrying = credentials.flatMap((source) =>
    typeof source === 'object' && 'body' in source ? [source.body] : [],
  )
  const entries = Object.entries(event).filter(([name]) => name !== 'writeKey' && !carrying.includes(name))
  return Object.fromEntries(entries)
}

const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** `sk_live_`, 32 characters of base62, and six of the CRC-32 of all that. */
function isWellFormed(text: string): boolean {
  return /^sk_live_[0-9A-Za-z]{38}$/.test(text) && text.endsWith(checksumOf(text.slice(0, -6)))
}

export function checksumOf(text: string): string {
  let crc = 0xffffffff
  for (const character of text) {
    crc ^= character.charCodeAt(0)
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  }
  let rest = (crc ^ 0xffffffff) >>> 0
  let written = ''
  for (let digit = 0; digit < 6; digit++) {
    written = digits[rest % 62] + written
    rest = Math.floor(rest / 62)
  }
  return written
}

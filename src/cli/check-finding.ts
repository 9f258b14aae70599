import { METHODS } from 'node:http'
import type { CredentialSource } from '../index.ts'
import { placeText } from '../verifier/credentials-option.ts'
import { reasonAdvice } from '../verifier/reason-advice.ts'
import type { Reason } from '../verifier/reasons.ts'
import { problems } from '../verifier/reasons.ts'
import type { CheckJson } from './command-run.ts'
import type { KeySpot } from './key-spots.ts'
import { seconds } from './moments.ts'
import type { Rehearsal } from './rehearsal.ts'
import { printable } from './terminal.ts'

/** The outcome that a request would have now. */
type Judgement = Pick<CheckJson, 'reason' | 'key' | 'would_refuse' | 'ended_at' | 'environment'>

/** A judgement with what to do about it. */
export interface Finding {
  accepted: boolean
  key_id: string | null
  key_name: string | null
  environment: string | null
  workspace: string | null
  reason: string | null
  status: number
  cause: string
  advice: string | null
  found_in: string | null
  /** What the option `credentials` must have, where a good secret stands in a place that is not read. */
  needs_credentials: string | null
  would_refuse: string | null
}

/** What was judged: a key alone, or a request that has it. */
export type Subject =
  | { kind: 'key'; secret: string; foundIn: string | null }
  | ({
      kind: 'request'
      spot: KeySpot
      /** The option `credentials` of the server. */
      configured: readonly CredentialSource[]
    } & Pick<Rehearsal, 'reason' | 'needs' | 'note'>)

const soonMs = 30 * 24 * 3_600_000

export function toFinding(judgement: Judgement, subject: Subject, now: number): Finding {
  const { key, would_refuse: wouldRefuse } = judgement
  const isRequest = subject.kind === 'request'
  const secret = isRequest ? subject.spot.secret : subject.secret
  const reason = isUnsent(judgement, subject)
    ? 'missing_key'
    : (judgement.reason ?? (isRequest ? subject.reason : null))
  const advice = [
    ...(isRequest && subject.note !== undefined ? [subject.note] : []),
    ...(isRequest && subject.reason !== judgement.reason ? adviceOnPlace(subject) : []),
    ...(judgement.reason === null
      ? adviceWhenAccepted(judgement, secret, now)
      : [adviceWhenRefused(judgement.reason, judgement, secret)]),
  ]
  return {
    accepted: reason === null,
    key_id: key?.id ?? null,
    key_name: key?.name ?? null,
    environment: key?.environment ?? null,
    workspace: key?.workspace ?? null,
    reason,
    status: reason === null ? 200 : problems[reason].status,
    cause: reason === null || judgement.reason === null ? causeOf(subject) : `${reasonAdvice[reason].cause}.`,
    advice: advice.length === 0 ? null : advice.join(' '),
    found_in: isRequest ? subject.spot.foundIn : subject.foundIn,
    needs_credentials:
      isRequest && subject.needs !== undefined && judgement.reason === null
        ? spellPlace(subject.needs)
        : null,
    would_refuse: wouldRefuse,
  }
}

/** Whether what was taken for the key is none, and stands where none is read. */
function isUnsent({ reason }: Judgement, subject: Subject): boolean {
  const isNoKey = reason === 'malformed_key' || reason === 'unknown_key'
  return isNoKey && subject.kind === 'request' && subject.reason === 'missing_key'
}

/** Of a request in which nothing can be a key. */
export function withoutKey(given: Reason | null): Finding {
  const reason = given ?? 'missing_key'
  return {
    accepted: false,
    key_id: null,
    key_name: null,
    environment: null,
    workspace: null,
    reason,
    status: problems[reason].status,
    cause: `${reasonAdvice[reason].cause}.`,
    advice: `What this sends has no key in a place that can be read. Quote its URL, and write variables and files out. ${reasonAdvice[reason].advice}`,
    found_in: null,
    needs_credentials: null,
    would_refuse: null,
  }
}

/** Of a request that Node refuses before anybody can see it, as far as its method goes. */
export function withMethod(method: string): Finding {
  return {
    ...withoutKey(null),
    reason: null,
    status: 400,
    cause: 'A server on Node refuses this method before it looks for a key.',
    advice: METHODS.includes(method.toUpperCase())
      ? `Write ${method.toUpperCase()} in capitals: it is sent as it is written.`
      : 'Send events by POST.',
  }
}

/** Of a good secret. */
function causeOf(subject: Subject): string {
  if (subject.kind === 'key')
    return subject.foundIn === null
      ? 'The request would be accepted.'
      : 'The key is good. How this text sends it was not judged.'
  const { reason, needs, spot } = subject
  if (reason === null) return 'The request would be accepted.'
  if (needs !== undefined)
    return `The key is good, but it stands in ${spot.foundIn}, which is read only with credentials: ${spellPlace(needs)}.`
  return spot.mistake === undefined
    ? `The key is good, but not the request. ${reasonAdvice[reason].cause}.`
    : 'The secret is right, but not where it stands.'
}

function adviceOnPlace({ spot, reason, needs, configured }: Subject & { kind: 'request' }): string[] {
  if (reason === null) return []
  if (needs === undefined) return [spot.mistake ?? reasonAdvice[reason].advice]
  const places = [...configured, needs]
  const elsewhere = spot.isOfSdks
    ? ' The paths of SDKs (createIngestApi) read it where their SDK puts it.'
    : ''
  return [
    `Send the key as the user name of HTTP Basic, or set credentials: [${places.map(spellPlace).join(', ')}] (WRITEKEY_CREDENTIALS=${places.map(placeText).join(',')}).${elsewhere}`,
  ]
}

/** As in the option `credentials`. */
function spellPlace(place: CredentialSource): string {
  if (typeof place === 'string') return `'${place}'`
  const [[kind, name] = ['', '']] = Object.entries(place)
  return `{ ${kind}: '${name}' }`
}

function adviceWhenAccepted(
  { key, would_refuse: wouldRefuse }: Judgement,
  secret: string,
  now: number,
): string[] {
  if (key === null) return []
  const own = key.secrets.find(({ start }) => start !== '' && secret.startsWith(start))
  const newest = key.secrets.at(-1)
  const advice: string[] = []
  if (own !== undefined && own !== newest && own.expires_at !== null)
    advice.push(
      `This secret was rotated and ends at ${seconds(own.expires_at)}: move the sender to the new one${beginning(newest?.start)}.`,
    )
  if (key.expires_at !== null && Date.parse(key.expires_at) < now + soonMs)
    advice.push(`The whole key ends at ${seconds(key.expires_at)}.`)
  if (wouldRefuse !== null)
    advice.push(
      `Its rules on trial would refuse this (${wouldRefuse}); writekey usage ${key.id} counts how often.`,
    )
  return advice
}

function adviceWhenRefused(
  reason: Reason,
  { key, environment, ended_at: endedAt }: Judgement,
  secret: string,
): string {
  const { advice } = reasonAdvice[reason]
  if (key === null)
    // A server of an older version says nothing of it.
    return (endedAt ?? null) === null
      ? advice
      : `A key had this secret until ${seconds(endedAt)}. It was rotated without grace, its grace was ended, or the key was deleted. Put the newest secret of its key into the sender, or rotate to get one.`
  switch (reason) {
    case 'malformed_key':
      return 'This store has a key with this secret: set WRITEKEY_IMPORTED_KEYS, or the option importedKeys, to the shape of such secrets.'
    case 'revoked_key':
      return `It was revoked${key.revoked_at === null ? '' : ` at ${seconds(key.revoked_at)}`}. ${advice}`
    case 'key_paused':
      return `Resume it with: writekey resume ${key.id}. Until then senders try again for a while, and then throw events away.`
    case 'wrong_environment':
      return `It is a key of ${key.environment}, and this is ${environment}. ${advice}`
    case 'expired_key': {
      if (key.effective_status === 'expired')
        return `The whole key ended at ${seconds(key.expires_at)}. Create a new key and put it into the sender.`
      const newest = key.secrets.at(-1)?.start
      if (newest !== undefined && newest !== '' && secret.startsWith(newest)) return advice
      return `It was rotated, and its grace is over. Put the newest secret${beginning(newest)} into the sender, or rotate once more to get one.`
    }
    case 'origin_not_allowed':
      return `Allowed are: ${listed(key.allowed_origins)}. ${advice} In the shell: writekey update ${key.id} --allowed-origins with all of them.`
    case 'event_type_not_allowed':
      return `Allowed are: ${listed(key.allowed_event_types)}. ${advice}`
    default:
      return advice
  }
}

function beginning(start: string | undefined): string {
  return start === undefined || start === '' ? '' : `, which begins with ${start}`
}

function listed(values: readonly string[] | null): string {
  if (values === null) return 'all'
  if (values.length === 0) return 'none'
  return values.length > 5
    ? `${values.slice(0, 5).join(', ')} and ${values.length - 5} more`
    : values.join(', ')
}

export function toLines(finding: Finding): string[] {
  const { accepted, key_id, key_name, environment, workspace, reason, status, cause, advice, found_in } =
    finding
  const of = [environment, workspace].filter((part) => part !== null).join(', ')
  return [
    `${accepted ? 'accepted: ok' : `refused: ${reason ?? 'bad request'}`} (HTTP ${status})`,
    ...(key_id === null ? [] : [`key: ${key_id} (${printable(key_name)}), ${of}`]),
    ...(found_in === null ? [] : [`The secret was found in ${found_in}.`]),
    cause,
    ...(advice === null ? [] : [advice]),
  ]
}

import { reasonAdvice } from '../verifier/reason-advice.ts'
import type { Reason } from '../verifier/reasons.ts'
import { problems } from '../verifier/reasons.ts'
import type { CheckJson } from './command-run.ts'
import { seconds } from './moments.ts'
import type { PresentedPlace } from './presented-place.ts'
import type { PresentedSecret } from './presented-secret.ts'
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
  /** What the option `credentials` must have, where the secret was found in a place that is not read by default. */
  needs_credentials: string | null
  would_refuse: string | null
}

const soonMs = 30 * 24 * 3_600_000

export function toFinding(judgement: Judgement, presented: PresentedSecret, now: number): Finding {
  const { key, would_refuse: wouldRefuse } = judgement
  const reason = judgement.reason ?? reasonOfPlace(presented)
  const { mistake, place, foundIn = null } = presented
  const advice = [
    ...(mistake === undefined ? [] : [mistake]),
    ...(place === undefined ? [] : [adviceOnPlace(place)]),
    ...(judgement.reason === null
      ? adviceWhenAccepted(judgement, presented, now)
      : [adviceWhenRefused(judgement.reason, judgement, presented)]),
  ]
  return {
    accepted: reason === null,
    key_id: key?.id ?? null,
    key_name: key?.name ?? null,
    environment: key?.environment ?? null,
    workspace: key?.workspace ?? null,
    reason,
    status: reason === null ? 200 : problems[reason].status,
    cause: judgement.reason === null ? causeOfPlace(presented) : `${reasonAdvice[judgement.reason].cause}.`,
    advice: advice.length === 0 ? null : advice.join(' '),
    found_in: foundIn,
    needs_credentials: place?.credentials ?? null,
    would_refuse: wouldRefuse,
  }
}

/** Why a good secret is refused where it stands. */
function reasonOfPlace({ mistake, isUnread }: PresentedSecret): Reason | null {
  if (mistake !== undefined) return 'malformed_key'
  return isUnread === true ? 'missing_key' : null
}

/** Of a good secret. */
function causeOfPlace({ mistake, place }: PresentedSecret): string {
  if (mistake !== undefined) return 'The secret is right, but not where it stands.'
  if (place === undefined) return 'The request would be accepted.'
  return `The key is good, but it stands in ${place.foundIn}, which is read only with credentials: ${place.credentials}.`
}

function adviceOnPlace({ credentials, isOfSdks }: PresentedPlace): string {
  const elsewhere = isOfSdks ? ' The paths of SDKs (createIngestApi) read it where their SDK puts it.' : ''
  return `Send the key as the user name of HTTP Basic, or set credentials: ['basic', ${credentials}].${elsewhere}`
}

function adviceWhenAccepted(
  { key, would_refuse: wouldRefuse }: Judgement,
  { secret }: PresentedSecret,
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
  { secret }: PresentedSecret,
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
  const needs = accepted ? finding.needs_credentials : null
  const of = [environment, workspace].filter((part) => part !== null).join(', ')
  return [
    `${accepted ? 'accepted' : 'refused'}: ${reason ?? 'ok'} (HTTP ${status})${needs === null ? '' : `, with credentials: ${needs}`}`,
    ...(key_id === null ? [] : [`key: ${key_id} (${printable(key_name)}), ${of}`]),
    ...(found_in === null ? [] : [`The secret was found in ${found_in}.`]),
    cause,
    ...(advice === null ? [] : [advice]),
  ]
}

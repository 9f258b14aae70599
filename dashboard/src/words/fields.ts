import { ApiError } from '../api/client.ts'
import { formatCount, formatDateTime } from './format.ts'
import { forEachList, listRules } from './list-rules.ts'

/** What the page calls the fields of a key. */
export const fieldLabels: Readonly<Record<string, string>> = {
  name: 'Name',
  source_type: 'Source type',
  environment: 'Environment',
  workspace: 'Workspace',
  plan: 'Plan',
  trial: 'On trial',
  rate_limit_eps: 'Rate limit',
  sender_rate_limit_eps: 'Share of one sender',
  allowed_event_types: 'Allowed event types',
  allowed_origins: 'Allowed origins',
  ...forEachList((field) => listRules[field].label),
  expires_at: 'Expires',
  metadata: 'Metadata',
  grace_period_hours: 'Grace period',
  status: 'Status',
  paused_by: 'Paused by',
  revoked_at: 'Revoked',
}

const labelPattern = new RegExp(
  `\\b(${Object.keys(fieldLabels)
    .filter((field) => field.includes('_'))
    .join('|')})\\b`,
  'g',
)

/** An error in the words of the page: fields by their labels. */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (!(error instanceof ApiError) || error.status === 0) return error.message
  const named = error.message.replace(labelPattern, (field) => fieldLabels[field] ?? field)
  return /[.!?]$/.test(named) ? named : `${named}.`
}

const emptyWords: Readonly<Record<string, string>> = {
  rate_limit_eps: 'the default',
  sender_rate_limit_eps: 'the default',
  plan: 'the default',
  allowed_event_types: 'all',
  ...forEachList((field) => listRules[field].none ?? 'none'),
  allowed_origins: 'any',
  expires_at: 'never',
  paused_by: 'nobody',
}

/** The value of a field in words. */
export function fieldText(field: string, value: unknown): string {
  if (value === null || value === undefined) return emptyWords[field] ?? 'none'
  if (field.endsWith('rate_limit_eps') && typeof value === 'number')
    return `${formatCount(value)} events per second`
  if (field === 'allowed_origins' && Array.isArray(value) && value.length === 0) return 'no browser at all'
  if (field.endsWith('_at') && typeof value === 'string') return formatDateTime(value)
  if (Array.isArray(value)) return value.map(String).join(', ')
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** Whether a change lets in what was kept out before, as far as can be told from the two values. */
export function loosens(field: string, before: unknown, after: unknown): string | null {
  const wider = (what: string) => `This lets in more: ${what}.`
  const isAllowing = field.startsWith('allowed_')
  if (isAllowing && before !== null && after === null)
    return wider(field === 'allowed_origins' ? 'any site may then use the key' : 'the rule is gone')
  if (field.startsWith('denied_') && Array.isArray(before)) {
    const left = before.filter((entry) => !(Array.isArray(after) && after.includes(entry)))
    if (left.length > 0) return wider('denied entries are gone')
  }
  if (isAllowing && Array.isArray(before) && Array.isArray(after)) {
    if (after.some((entry) => !before.includes(entry))) return wider('the list has new entries')
  }
  if (field.endsWith('rate_limit_eps') && typeof before === 'number') {
    if (after === null) return 'The key gets the default limit, which may be higher, or none.'
    if (typeof after === 'number' && after > before) return wider('the limit is higher')
  }
  if (field === 'expires_at' && typeof before === 'string') {
    if (after === null) return wider('the key no longer ends')
    if (typeof after === 'string' && after > before) return wider('the key ends later')
  }
  return null
}

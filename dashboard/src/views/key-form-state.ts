import { ApiError } from '../api/client.ts'
import type { KeyFields, SourceType, WriteKey } from '../api/wire.ts'
import { sources } from '../words/source-defaults.ts'

/** The fields as people type them. */
export interface KeyFormState {
  name: string
  source: SourceType
  environment: string
  rate: string
  /** Chosen types; null = all. */
  types: string[] | null
  /** `any`, `none` (no browser at all), or the list. */
  originRule: 'any' | 'none' | 'list'
  origins: string
  allowedNames: string
  deniedNames: string
  allowedIps: string
  deniedIps: string
  expiresAt: string
  metadata: string
}

export function emptyKeyForm(): KeyFormState {
  return {
    name: '',
    source: 'web',
    environment: '',
    rate: String(sources.web.rate),
    types: sources.web.types,
    originRule: 'list',
    origins: '',
    allowedNames: '',
    deniedNames: '',
    allowedIps: '',
    deniedIps: '',
    expiresAt: '',
    metadata: '',
  }
}

export function toKeyForm(key: WriteKey): KeyFormState {
  const origins = key.allowed_origins
  return {
    name: key.name,
    source: key.source_type,
    environment: key.environment,
    rate: key.rate_limit_eps === null ? '' : String(key.rate_limit_eps),
    types: key.allowed_event_types,
    originRule: origins === null ? 'any' : origins.length === 0 ? 'none' : 'list',
    origins: (origins ?? []).join('\n'),
    allowedNames: (key.allowed_event_names ?? []).join('\n'),
    deniedNames: (key.denied_event_names ?? []).join('\n'),
    allowedIps: (key.allowed_ips ?? []).join('\n'),
    deniedIps: (key.denied_ips ?? []).join('\n'),
    expiresAt: key.expires_at === null ? '' : toLocalInput(key.expires_at),
    metadata: key.metadata === null ? '' : JSON.stringify(key.metadata),
  }
}

/** @throws ApiError naming the field, for what only the page can misread. */
export function toKeyFields(form: KeyFormState): KeyFields & { environment?: string } {
  const rate = form.rate.trim()
  const environment = form.environment.trim()
  return {
    name: form.name,
    source_type: form.source,
    ...(environment !== '' && { environment }),
    rate_limit_eps: rate === '' ? null : Number(rate),
    allowed_event_types: form.types,
    allowed_origins: toOrigins(form),
    allowed_event_names: toList(form.allowedNames),
    denied_event_names: toList(form.deniedNames),
    allowed_ips: toList(form.allowedIps),
    denied_ips: toList(form.deniedIps),
    expires_at: form.expiresAt === '' ? null : new Date(form.expiresAt).toISOString(),
    metadata: toMetadata(form.metadata),
  }
}

/** @throws ApiError for an empty list: it must not open the key to every origin. */
function toOrigins(form: KeyFormState): string[] | null {
  const origins = readOrigins(form)
  if (form.originRule === 'list' && origins === null) {
    const problem = 'Name at least one origin, or choose "Any origin" or "No browser at all".'
    throw new ApiError(0, 'invalid_field', problem, 'allowed_origins')
  }
  return origins
}

/** The origins as far as they are typed. */
export function readOrigins({ originRule, origins }: KeyFormState): string[] | null {
  if (originRule === 'none') return []
  return originRule === 'any' ? null : toList(origins)
}

/** One entry per line; no entry = no rule. */
function toList(text: string): string[] | null {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  return lines.length === 0 ? null : lines
}

function toMetadata(text: string): Record<string, unknown> | null {
  if (text.trim() === '') return null
  try {
    return JSON.parse(text)
  } catch {
    throw new ApiError(0, 'invalid_field', 'metadata must be a JSON object.', 'metadata')
  }
}

/** What `datetime-local` takes: local time without a zone. */
function toLocalInput(iso: string): string {
  const time = new Date(iso)
  return new Date(time.getTime() - time.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
}

import { ApiError } from '../api/client.ts'
import type { KeyFields, SourceType, WriteKey } from '../api/wire.ts'
import { forEachList, type ListField, listFields, listRules } from '../words/list-rules.ts'
import { sources } from '../words/source-defaults.ts'

/** A rule is always chosen, never the result of an empty field. `any` = no rule. */
export interface ListChoice {
  mode: 'any' | 'list'
  text: string
}

/** The fields as people type them. */
export interface KeyFormState extends Record<ListField, ListChoice> {
  name: string
  source: SourceType
  environment: string
  workspace: string
  plan: string
  /** `default`: that of the plan, or of the application. */
  rateMode: 'own' | 'default'
  rate: string
  /** `default`: that of the plan, or none. */
  senderMode: 'own' | 'default'
  senderRate: string
  /** Chosen types; null = all. */
  types: string[] | null
  /** `any`, `none` (no browser at all), or the list. */
  originRule: 'any' | 'none' | 'list'
  origins: string
  expiryMode: 'never' | 'at'
  expiresAt: string
  metadata: string
}

const noList: ListChoice = { mode: 'any', text: '' }

/** @param rateMode `default` for whoever has a plan that gives the rate */
export function emptyKeyForm(rateMode: KeyFormState['rateMode']): KeyFormState {
  return {
    name: '',
    source: 'web',
    environment: '',
    workspace: '',
    plan: '',
    rateMode,
    rate: String(sources.web.rate),
    senderMode: 'default',
    senderRate: '',
    types: sources.web.types,
    originRule: 'list',
    origins: '',
    ...forEachList(() => noList),
    expiryMode: 'never',
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
    workspace: key.workspace ?? '',
    plan: key.plan ?? '',
    rateMode: key.rate_limit_eps === null ? 'default' : 'own',
    rate: key.rate_limit_eps === null ? '' : String(key.rate_limit_eps),
    senderMode: key.sender_rate_limit_eps === null ? 'default' : 'own',
    senderRate: key.sender_rate_limit_eps === null ? '' : String(key.sender_rate_limit_eps),
    types: key.allowed_event_types,
    originRule: origins === null ? 'any' : origins.length === 0 ? 'none' : 'list',
    origins: (origins ?? []).join('\n'),
    ...forEachList((field) => toChoice(key[field])),
    expiryMode: key.expires_at === null ? 'never' : 'at',
    expiresAt: key.expires_at === null ? '' : toLocalInput(key.expires_at),
    metadata: key.metadata === null ? '' : JSON.stringify(key.metadata),
  }
}

function toChoice(list: string[] | null): ListChoice {
  return list === null ? noList : { mode: 'list', text: list.join('\n') }
}

export type SentFields = Partial<KeyFields> & { environment?: string; workspace?: string }

type FormField = Exclude<keyof SentFields, 'trial'>

/** The fields of the API that the form has, each with its parts in the form. */
const formParts: Readonly<Record<FormField, readonly (keyof KeyFormState)[]>> = {
  name: ['name'],
  source_type: ['source'],
  environment: ['environment'],
  workspace: ['workspace'],
  plan: ['plan'],
  rate_limit_eps: ['rateMode', 'rate'],
  sender_rate_limit_eps: ['senderMode', 'senderRate'],
  allowed_event_types: ['types'],
  allowed_origins: ['originRule', 'origins'],
  ...forEachList((field) => [field]),
  expires_at: ['expiryMode', 'expiresAt'],
  metadata: ['metadata'],
}

export const formFields = Object.keys(formParts) as readonly FormField[]

/** The fields of the form that can be on trial. */
export const triedFields: readonly FormField[] = [
  'rate_limit_eps',
  'sender_rate_limit_eps',
  'allowed_event_types',
  'allowed_origins',
  ...listFields,
]

/** The fields of the API in which two states of the form differ. */
export function changedFields(before: KeyFormState, after: KeyFormState): FormField[] {
  return formFields.filter((field) =>
    formParts[field].some((part) => JSON.stringify(before[part]) !== JSON.stringify(after[part])),
  )
}

/** One state with the named fields of another. */
export function withFields(
  base: KeyFormState,
  from: KeyFormState,
  fields: readonly FormField[],
): KeyFormState {
  const parts = fields.flatMap((field) => formParts[field])
  return { ...base, ...Object.fromEntries(parts.map((part) => [part, from[part]])) }
}

/** @throws ApiError naming the field, for what only the page can misread. */
export function toKeyFields(form: KeyFormState): KeyFields & { environment?: string; workspace?: string } {
  const environment = form.environment.trim()
  const workspace = form.workspace.trim()
  return {
    name: toName(form.name),
    source_type: form.source,
    ...(environment !== '' && { environment }),
    ...(workspace !== '' && { workspace }),
    ...(form.plan.trim() !== '' ? { plan: form.plan.trim() } : { plan: null }),
    rate_limit_eps: toRate(form),
    sender_rate_limit_eps: toSenderRate(form),
    allowed_event_types: toTypes(form.types),
    allowed_origins: toOrigins(form),
    ...forEachList((field) => toList(form[field], field)),
    expires_at: toExpiry(form),
    metadata: toMetadata(form.metadata),
  }
}

function fieldProblem(field: string, problem: string): ApiError {
  return new ApiError(0, 'invalid_field', problem, field)
}

function toName(name: string): string {
  if (name.trim() === '') throw fieldProblem('name', 'Give the key a name.')
  return name
}

function toRate({ rateMode, rate }: KeyFormState): number | null {
  return rateMode === 'default' ? null : readRate(rate, 'rate_limit_eps')
}

function toSenderRate({ senderMode, senderRate }: KeyFormState): number | null {
  return senderMode === 'default' ? null : readRate(senderRate, 'sender_rate_limit_eps')
}

function readRate(text: string, field: string): number {
  const value = Number(text)
  if (text.trim() === '' || !(value >= 0.001 && value <= 1_000_000))
    throw fieldProblem(
      field,
      'Say how many events per second, from 0.001 to 1,000,000, or choose the default.',
    )
  return value
}

function toTypes(types: string[] | null): string[] | null {
  if (types?.length === 0)
    throw fieldProblem('allowed_event_types', 'Choose at least one event type, or "All".')
  return types
}

/** @throws ApiError for an empty list: it must not open the key to every origin. */
function toOrigins(form: KeyFormState): string[] | null {
  const origins = readOrigins(form)
  if (form.originRule === 'list' && origins === null) {
    const problem = 'Name at least one origin, or choose "Any origin" or "No browser at all".'
    throw fieldProblem('allowed_origins', problem)
  }
  return origins
}

/** The origins as far as they are typed. */
export function readOrigins({ originRule, origins }: KeyFormState): string[] | null {
  if (originRule === 'none') return []
  return originRule === 'any' ? null : readLines(origins)
}

function toList({ mode, text }: ListChoice, field: ListField): string[] | null {
  if (mode === 'any') return null
  const lines = readLines(text)
  if (lines === null)
    throw fieldProblem(
      field,
      `Name at least one ${listRules[field].entry}, or choose that there is no such rule.`,
    )
  return lines
}

function readLines(text: string): string[] | null {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  return lines.length === 0 ? null : lines
}

function toExpiry({ expiryMode, expiresAt }: KeyFormState): string | null {
  if (expiryMode === 'never') return null
  if (expiresAt === '' || Number.isNaN(Date.parse(expiresAt)))
    throw fieldProblem('expires_at', 'Say when the key ends, or choose "Never".')
  return new Date(expiresAt).toISOString()
}

function toMetadata(text: string): Record<string, unknown> | null {
  if (text.trim() === '') return null
  try {
    return JSON.parse(text)
  } catch {
    throw fieldProblem('metadata', 'Metadata must be a JSON object, such as {"team":"growth"}.')
  }
}

/** What `datetime-local` takes: local time without a zone. */
function toLocalInput(iso: string): string {
  const time = new Date(iso)
  return new Date(time.getTime() - time.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
}

import { useState } from 'preact/hooks'
import { ApiError } from '../api/client.ts'
import type { KeyFields, SourceType, WriteKey } from '../api/wire.ts'
import { ErrorNotice, Notice } from '../parts/notice.tsx'
import { useTask } from '../parts/task.ts'
import { eventTypes, sources, sourceTypes, warningsFor } from '../words/source-defaults.ts'

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

function toOrigins({ originRule, origins }: KeyFormState): string[] | null {
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

interface KeyFormProps {
  initial: KeyFormState
  isNew?: boolean
  submit: string
  onSubmit: (fields: KeyFields & { environment?: string }) => Promise<unknown>
  onCancel: () => void
}

export function KeyForm({ initial, isNew = false, submit, onSubmit, onCancel }: KeyFormProps) {
  const [form, setForm] = useState(initial)
  const task = useTask(() => onSubmit(toKeyFields(form)))
  const field = task.error instanceof ApiError ? task.error.field : null
  const set = (change: Partial<KeyFormState>) => setForm((before) => ({ ...before, ...change }))
  const invalid = (name: string) => (field === name ? ('true' as const) : undefined)

  /** Suggestions follow the source type as long as nobody has chosen otherwise. */
  function chooseSource(source: SourceType) {
    const old = sources[form.source]
    const untouched = isNew && form.rate === String(old.rate)
    set({
      source,
      ...(untouched && { rate: String(sources[source].rate) }),
      ...(isNew && sameList(form.types, old.types) && { types: sources[source].types }),
      ...(isNew && form.origins === '' && { originRule: source === 'web' ? 'list' : 'any' }),
    })
  }

  const warnings = warningsFor({
    source_type: form.source,
    allowed_origins: toOrigins(form),
    allowed_event_types: form.types,
    rate_limit_eps: form.rate.trim() === '' ? null : Number(form.rate),
  })
  const allTypes = [...new Set([...eventTypes, ...(initial.types ?? [])])]

  return (
    <form
      class="key-form"
      onSubmit={(event) => {
        event.preventDefault()
        void task.start()
      }}
    >
      <div class="dialog-body">
        <label>
          Name
          <input
            name="name"
            required
            maxLength={100}
            autoComplete="off"
            placeholder="Web App"
            aria-invalid={invalid('name')}
            value={form.name}
            onInput={(event) => set({ name: event.currentTarget.value })}
          />
        </label>
        <fieldset>
          <legend>Source type</legend>
          <div class="segments">
            {sourceTypes.map((type) => (
              <label key={type} class="segment">
                <input
                  type="radio"
                  name="source_type"
                  value={type}
                  checked={form.source === type}
                  onChange={() => chooseSource(type)}
                />
                {sources[type].label}
              </label>
            ))}
          </div>
        </fieldset>
        <label>
          Rate limit <span class="muted">events per second</span>
          <input
            name="rate_limit_eps"
            type="number"
            min="0.001"
            max="1000000"
            step="any"
            placeholder="default of this application"
            aria-invalid={invalid('rate_limit_eps')}
            aria-describedby="rate-hint"
            value={form.rate}
            onInput={(event) => set({ rate: event.currentTarget.value })}
          />
          <span id="rate-hint" class="hint">
            {sources[form.source].rateHint}
          </span>
        </label>
        <fieldset>
          <legend>Allowed event types</legend>
          <div class="checks">
            <label>
              <input
                type="checkbox"
                checked={form.types === null}
                onChange={(event) => set({ types: event.currentTarget.checked ? null : [...eventTypes] })}
              />
              All
            </label>
            {allTypes.map((type) => (
              <label key={type}>
                <input
                  type="checkbox"
                  name="event_type"
                  value={type}
                  checked={form.types === null || form.types.includes(type)}
                  disabled={form.types === null}
                  onChange={(event) =>
                    set({
                      types: event.currentTarget.checked
                        ? [...(form.types ?? []), type]
                        : (form.types ?? []).filter((other) => other !== type),
                    })
                  }
                />
                <bdi>{type}</bdi>
              </label>
            ))}
          </div>
          {form.types?.length === 0 && <span class="hint bad">Choose at least one type, or all.</span>}
        </fieldset>
        <fieldset>
          <legend>Allowed origins</legend>
          <select
            aria-label="Which origins"
            value={form.originRule}
            onChange={(event) => set({ originRule: event.currentTarget.value as KeyFormState['originRule'] })}
          >
            <option value="list">Only these origins</option>
            <option value="any">Any origin</option>
            <option value="none">No browser at all</option>
          </select>
          {form.originRule === 'list' && (
            <TextList
              label="Origins, one per line"
              hideLabel
              name="allowed_origins"
              placeholder={'https://app.example.com\nhttps://*.example.com'}
              invalid={invalid('allowed_origins')}
              value={form.origins}
              onInput={(origins) => set({ origins })}
            />
          )}
          <span class="hint">
            Requests without an Origin header, such as those of servers, are not affected.
          </span>
        </fieldset>
        {warnings.map((warning) => (
          <Notice key={warning} level="warn">
            {warning}
          </Notice>
        ))}
        <details class="more">
          <summary>More rules</summary>
          <div class="grid-2">
            <TextList
              label="Allowed event names, one per line"
              name="allowed_event_names"
              placeholder="billing/*"
              invalid={invalid('allowed_event_names')}
              value={form.allowedNames}
              onInput={(allowedNames) => set({ allowedNames })}
            />
            <TextList
              label="Denied event names, one per line"
              name="denied_event_names"
              invalid={invalid('denied_event_names')}
              value={form.deniedNames}
              onInput={(deniedNames) => set({ deniedNames })}
            />
            <TextList
              label="Allowed addresses, one per line"
              name="allowed_ips"
              placeholder="203.0.113.0/24"
              invalid={invalid('allowed_ips')}
              value={form.allowedIps}
              onInput={(allowedIps) => set({ allowedIps })}
            />
            <TextList
              label="Denied addresses, one per line"
              name="denied_ips"
              invalid={invalid('denied_ips')}
              value={form.deniedIps}
              onInput={(deniedIps) => set({ deniedIps })}
            />
            <label>
              Expires
              <input
                type="datetime-local"
                name="expires_at"
                aria-invalid={invalid('expires_at')}
                value={form.expiresAt}
                onInput={(event) => set({ expiresAt: event.currentTarget.value })}
              />
            </label>
            {isNew && (
              <label>
                Environment
                <input
                  name="environment"
                  placeholder="that of this application"
                  maxLength={64}
                  aria-invalid={invalid('environment')}
                  value={form.environment}
                  onInput={(event) => set({ environment: event.currentTarget.value })}
                />
              </label>
            )}
            <TextList
              label="Metadata, a JSON object"
              name="metadata"
              placeholder={'{"team":"growth"}'}
              invalid={invalid('metadata')}
              value={form.metadata}
              onInput={(metadata) => set({ metadata })}
            />
          </div>
        </details>
        <ErrorNotice error={task.error} />
      </div>
      <footer class="dialog-foot">
        <button type="button" onClick={onCancel}>
          Cancel
        </button>
        <button type="submit" class="primary" disabled={task.busy || form.types?.length === 0}>
          {submit}
        </button>
      </footer>
    </form>
  )
}

interface TextListProps {
  label: string
  hideLabel?: boolean
  name: string
  placeholder?: string
  invalid: 'true' | undefined
  value: string
  onInput: (text: string) => void
}

function TextList({ label, hideLabel, name, placeholder, invalid, value, onInput }: TextListProps) {
  return (
    <label>
      <span class={hideLabel ? 'visually-hidden' : undefined}>{label}</span>
      <textarea
        name={name}
        class="mono"
        rows={3}
        spellcheck={false}
        placeholder={placeholder}
        aria-invalid={invalid}
        value={value}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
    </label>
  )
}

function sameList(a: string[] | null, b: string[] | null): boolean {
  return (
    a === b || (a !== null && b !== null && a.length === b.length && a.every((entry) => b.includes(entry)))
  )
}

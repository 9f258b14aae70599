import { useState } from 'preact/hooks'
import { ApiError } from '../api/client.ts'
import type { KeyFields, SourceType } from '../api/wire.ts'
import { ErrorNotice, Notice } from '../parts/notice.tsx'
import { useTask } from '../parts/task.ts'
import { sources, warningsFor } from '../words/source-defaults.ts'
import { EventTypesField, OriginsField, SourceTypeField } from './key-form-fields.tsx'
import { type KeyFormState, readOrigins, toKeyFields } from './key-form-state.ts'
import { MoreRules } from './more-rules.tsx'

export interface KeyFormProps {
  initial: KeyFormState
  isNew?: boolean
  submit: string
  onSubmit: (fields: KeyFields & { environment?: string }) => Promise<unknown>
  onCancel: () => void
}

/** What a part of the form gets. */
export interface KeyFormPart {
  form: KeyFormState
  set: (change: Partial<KeyFormState>) => void
  /** For `aria-invalid`: whether the server, or the page, refused this field. */
  invalid: (field: string) => 'true' | undefined
}

export function KeyForm({ initial, isNew = false, submit, onSubmit, onCancel }: KeyFormProps) {
  const [form, setForm] = useState(initial)
  const task = useTask(async () => onSubmit(toKeyFields(form)))
  const refused = task.error instanceof ApiError ? task.error.field : null
  const set = (change: Partial<KeyFormState>) => setForm((before) => ({ ...before, ...change }))
  const invalid = (field: string) => (refused === field ? ('true' as const) : undefined)
  const part: KeyFormPart = { form, set, invalid }
  const warnings = warningsFor({
    source_type: form.source,
    allowed_origins: readOrigins(form),
    allowed_event_types: form.types,
    rate_limit_eps: form.rate.trim() === '' ? null : Number(form.rate),
  })

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
        <SourceTypeField
          source={form.source}
          onChoose={(source) => set({ source, ...(isNew && suggestionsFor(source, form)) })}
        />
        <RateField {...part} />
        <EventTypesField {...part} stored={initial.types} />
        <OriginsField {...part} />
        {warnings.map((warning) => (
          <Notice key={warning} level="warn">
            {warning}
          </Notice>
        ))}
        <MoreRules {...part} isNew={isNew} />
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

/** Suggestions follow the source type as long as nobody has chosen otherwise. */
function suggestionsFor(source: SourceType, form: KeyFormState): Partial<KeyFormState> {
  const before = sources[form.source]
  return {
    ...(form.rate === String(before.rate) && { rate: String(sources[source].rate) }),
    ...(sameList(form.types, before.types) && { types: sources[source].types }),
    ...(form.origins === '' && { originRule: source === 'web' ? 'list' : 'any' }),
  }
}

function RateField({ form, set, invalid }: KeyFormPart) {
  return (
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
  )
}

function sameList(a: string[] | null, b: string[] | null): boolean {
  return (
    a === b || (a !== null && b !== null && a.length === b.length && a.every((entry) => b.includes(entry)))
  )
}

import type { RefObject } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { ApiError } from '../api/client.ts'
import type { SourceType, WriteKey } from '../api/wire.ts'
import { FieldError } from '../parts/field-error.tsx'
import { ErrorNotice, Notice } from '../parts/notice.tsx'
import { useData } from '../parts/refreshed-data.ts'
import { useTask } from '../parts/task.ts'
import { TaskButton } from '../parts/task-button.tsx'
import { isOfOneWorkspace, useApi } from '../session.ts'
import { errorText } from '../words/fields.ts'
import { sources, warningsFor } from '../words/source-defaults.ts'
import { EventTypesField, OriginsField, SourceTypeField } from './key-form-fields.tsx'
import { formFields, type KeyFormState, readOrigins } from './key-form-state.ts'
import { meansOf } from './key-means.ts'
import { KeyRoom } from './key-room.tsx'
import { MoreRules } from './more-rules.tsx'
import { RateField, SenderRateField } from './rate-fields.tsx'

export interface KeyFormProps {
  form: KeyFormState
  onChange: (form: KeyFormState) => void
  /** The key as it is; null = it is new. */
  stored: WriteKey | null
  submit: string
  onSubmit: () => Promise<unknown>
  /** What was refused after the form had been submitted. */
  refused?: ApiError | null
  onCancel: () => void
}

/** What a part of the form gets. */
export interface KeyFormPart {
  form: KeyFormState
  set: (change: Partial<KeyFormState>) => void
  /** What the server, or the page, says is wrong with the field. */
  problem: (field: string) => string | undefined
}

/** For a field's control: whether it has an error, and which element describes it. */
export function faultOf(problem: KeyFormPart['problem'], field: string) {
  return problem(field) === undefined
    ? {}
    : ({ 'aria-invalid': 'true', 'aria-describedby': `error-${field}` } as const)
}

export function KeyForm(props: KeyFormProps) {
  const { form, onChange, stored, submit, onSubmit, onCancel, refused = null } = props
  const isNew = stored === null
  const api = useApi()
  const { data: limits } = useData('limits', () => api.limits())
  const element = useRef<HTMLFormElement>(null)
  const { task, error, isAtField, problem, touch } = useFormError(onSubmit, refused)
  const set = (change: Partial<KeyFormState>) => {
    onChange({ ...form, ...change })
    touch()
  }
  const part: KeyFormPart = { form, set, problem }
  const means = meansOf(limits, stored, form.plan)
  const warnings = warningsFor({
    source_type: form.source,
    allowed_origins: readOrigins(form),
    allowed_event_types: form.types,
    // A customer's default is what the application gives them, and not theirs to change.
    mayBeUnlimited: form.rateMode === 'default' && !isOfOneWorkspace(),
  })

  useErrorInSight(element, error)

  return (
    <form
      class="key-form"
      noValidate
      ref={element}
      onSubmit={(event) => {
        event.preventDefault()
        void task.start()
      }}
    >
      <div class="dialog-body">
        {isNew && <KeyRoom limits={limits} />}
        <label>
          Name
          <input
            name="name"
            maxLength={100}
            autoComplete="off"
            placeholder="Web App"
            value={form.name}
            onInput={(event) => set({ name: event.currentTarget.value })}
            {...faultOf(problem, 'name')}
          />
          <FieldError field="name" text={problem('name')} />
        </label>
        <SourceTypeField
          source={form.source}
          onChoose={(source) => set({ source, ...(isNew && suggestionsFor(source, form)) })}
        />
        <RateField {...part} means={means} />
        <SenderRateField {...part} means={means} />
        <EventTypesField {...part} stored={stored?.allowed_event_types ?? null} />
        <OriginsField {...part} />
        {warnings.map((warning) => (
          <Notice key={warning} level="warn">
            {warning}
          </Notice>
        ))}
        <MoreRules {...part} isNew={isNew} />
        {error !== null && !isAtField && (
          <div class="form-error" tabIndex={-1}>
            <ErrorNotice error={error} />
          </div>
        )}
      </div>
      <footer class="dialog-foot">
        <button type="button" onClick={onCancel}>
          Cancel
        </button>
        <TaskButton type="submit" class="primary" busy={task.busy}>
          {submit}
        </TaskButton>
      </footer>
    </form>
  )
}

/** What was refused, and at which field. The text at a field goes once somebody changes something. */
function useFormError(onSubmit: () => Promise<unknown>, refused: ApiError | null) {
  const [changed, setChanged] = useState<ReadonlySet<string>>(new Set())
  const task = useTask(async () => {
    setChanged(new Set())
    await onSubmit()
  })
  const error = task.error ?? refused
  const field = error instanceof ApiError ? (error.field ?? '') : ''
  const isAtField = (formFields as readonly string[]).includes(field)
  const problem = (name: string) =>
    isAtField && name === field && !changed.has(name) ? errorText(error) : undefined
  const touch = () => {
    if (field !== '') setChanged(new Set([field]))
  }
  return { task, error, isAtField, problem, touch }
}

function useErrorInSight(form: RefObject<HTMLFormElement | null>, error: unknown) {
  useEffect(() => {
    if (error === null) return
    const place = form.current?.querySelector<HTMLElement>('[aria-invalid], .form-error')
    const folded = place?.closest('details')
    if (folded) folded.open = true
    place?.scrollIntoView({ block: 'center' })
    place?.focus()
  }, [error])
}

/** Suggestions follow the source type until the user chooses something else. */
function suggestionsFor(source: SourceType, form: KeyFormState): Partial<KeyFormState> {
  const before = sources[form.source]
  return {
    ...(form.rate === String(before.rate) && { rate: String(sources[source].rate) }),
    ...(sameList(form.types, before.types) && { types: sources[source].types }),
    ...(form.origins === '' && { originRule: source === 'web' ? 'list' : 'any' }),
  }
}

function sameList(a: string[] | null, b: string[] | null): boolean {
  return (
    a === b || (a !== null && b !== null && a.length === b.length && a.every((entry) => b.includes(entry)))
  )
}

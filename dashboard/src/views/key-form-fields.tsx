import type { SourceType } from '../api/wire.ts'
import { FieldError } from '../parts/field-error.tsx'
import { TextList } from '../parts/text-list.tsx'
import { type ListField as ListRuleField, listRules } from '../words/list-rules.ts'
import { eventTypes, sources, sourceTypes } from '../words/source-defaults.ts'
import { faultOf, type KeyFormPart } from './key-form.tsx'
import type { KeyFormState, ListChoice } from './key-form-state.ts'

interface SourceTypeFieldProps {
  source: SourceType
  onChoose: (source: SourceType) => void
}

export function SourceTypeField({ source, onChoose }: SourceTypeFieldProps) {
  return (
    <fieldset>
      <legend>Source type</legend>
      <div class="segments">
        {sourceTypes.map((type) => (
          <label key={type} class="segment">
            <input
              type="radio"
              name="source_type"
              value={type}
              checked={source === type}
              onChange={() => onChoose(type)}
            />
            {sources[type].label}
          </label>
        ))}
      </div>
    </fieldset>
  )
}

/** @param stored what the key allowed before: types that this page does not know stay in the list. */
export function EventTypesField({ form, set, problem, stored }: KeyFormPart & { stored: string[] | null }) {
  const allTypes = [...new Set([...eventTypes, ...(stored ?? [])])]
  return (
    <fieldset>
      <legend>Allowed event types</legend>
      <div class="checks">
        <label>
          <input
            type="checkbox"
            checked={form.types === null}
            onChange={(event) => set({ types: event.currentTarget.checked ? null : [...eventTypes] })}
            {...faultOf(problem, 'allowed_event_types')}
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
      <FieldError field="allowed_event_types" text={problem('allowed_event_types')} />
    </fieldset>
  )
}

export function OriginsField({ form, set, problem }: KeyFormPart) {
  return (
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
          fault={faultOf(problem, 'allowed_origins')}
          value={form.origins}
          onInput={(origins) => set({ origins })}
        />
      )}
      <FieldError field="allowed_origins" text={problem('allowed_origins')} />
      <span class="hint">Requests without an Origin header, such as those of servers, are not affected.</span>
    </fieldset>
  )
}

interface ListFieldProps {
  field: ListRuleField
  value: ListChoice
  onChange: (value: ListChoice) => void
  problem: KeyFormPart['problem']
}

/** A list that is there only when somebody chose it: an emptied one is a mistake, and never "no rule". */
export function ListField({ field, value, onChange, problem }: ListFieldProps) {
  const { label, any, list, placeholder } = listRules[field]
  return (
    <fieldset>
      <legend>{label}</legend>
      <select
        aria-label={label}
        value={value.mode}
        onChange={(event) => onChange({ ...value, mode: event.currentTarget.value as ListChoice['mode'] })}
      >
        <option value="any">{any}</option>
        <option value="list">{list}</option>
      </select>
      {value.mode === 'list' && (
        <TextList
          label={`${label}, one per line`}
          hideLabel
          name={field}
          {...(placeholder !== undefined && { placeholder })}
          fault={faultOf(problem, field)}
          value={value.text}
          onInput={(text) => onChange({ ...value, text })}
        />
      )}
      <FieldError field={field} text={problem(field)} />
    </fieldset>
  )
}

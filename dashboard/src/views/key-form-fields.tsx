import type { SourceType } from '../api/wire.ts'
import { TextList } from '../parts/text-list.tsx'
import { eventTypes, sources, sourceTypes } from '../words/source-defaults.ts'
import type { KeyFormPart } from './key-form.tsx'
import type { KeyFormState } from './key-form-state.ts'

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
export function EventTypesField({ form, set, stored }: KeyFormPart & { stored: string[] | null }) {
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
  )
}

export function OriginsField({ form, set, invalid }: KeyFormPart) {
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
          invalid={invalid('allowed_origins')}
          value={form.origins}
          onInput={(origins) => set({ origins })}
        />
      )}
      <span class="hint">Requests without an Origin header, such as those of servers, are not affected.</span>
    </fieldset>
  )
}

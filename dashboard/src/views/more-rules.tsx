import { FieldError } from '../parts/field-error.tsx'
import { TextList } from '../parts/text-list.tsx'
import { isOfOneWorkspace } from '../session.ts'
import { timeZone } from '../words/format.ts'
import { listFields } from '../words/list-rules.ts'
import { faultOf, type KeyFormPart } from './key-form.tsx'
import { ListField } from './key-form-fields.tsx'
import type { KeyFormState } from './key-form-state.ts'

/** Rules that few keys need, folded away. */
export function MoreRules({ form, set, problem, isNew }: KeyFormPart & { isNew: boolean }) {
  const word = (field: 'environment' | 'workspace' | 'plan', label: string, placeholder: string) => (
    <label>
      {label}
      <input
        name={field}
        placeholder={placeholder}
        maxLength={100}
        value={form[field]}
        onInput={(event) => set({ [field]: event.currentTarget.value })}
        {...faultOf(problem, field)}
      />
      <FieldError field={field} text={problem(field)} />
    </label>
  )
  return (
    <details class="more">
      <summary>More rules</summary>
      <div class="grid-2">
        {listFields.map((field) => (
          <ListField
            key={field}
            field={field}
            value={form[field]}
            onChange={(value) => set({ [field]: value })}
            problem={problem}
          />
        ))}
        <ExpiryField form={form} set={set} problem={problem} />
        {isNew && word('environment', 'Environment', 'that of this application')}
        {isNew && !isOfOneWorkspace() && word('workspace', 'Workspace', 'none')}
        {!isOfOneWorkspace() && word('plan', 'Plan', 'the default')}
        <div>
          <TextList
            label="Metadata, a JSON object of 4,096 bytes at most"
            name="metadata"
            placeholder={'{"team":"growth"}'}
            fault={faultOf(problem, 'metadata')}
            value={form.metadata}
            onInput={(metadata) => set({ metadata })}
          />
          <FieldError field="metadata" text={problem('metadata')} />
        </div>
      </div>
    </details>
  )
}

function ExpiryField({ form, set, problem }: KeyFormPart) {
  return (
    <fieldset>
      <legend>Expires</legend>
      <select
        aria-label="Expires"
        value={form.expiryMode}
        onChange={(event) => set({ expiryMode: event.currentTarget.value as KeyFormState['expiryMode'] })}
      >
        <option value="never">Never</option>
        <option value="at">At</option>
      </select>
      {form.expiryMode === 'at' && (
        <label>
          <span class="visually-hidden">When it expires</span>
          <input
            type="datetime-local"
            name="expires_at"
            value={form.expiresAt}
            onInput={(event) => set({ expiresAt: event.currentTarget.value })}
            {...faultOf(problem, 'expires_at')}
          />
          <span class="hint">Time of {timeZone}</span>
        </label>
      )}
      <FieldError field="expires_at" text={problem('expires_at')} />
    </fieldset>
  )
}

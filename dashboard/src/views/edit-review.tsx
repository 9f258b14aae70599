import type { WriteKey } from '../api/wire.ts'
import { ErrorNotice } from '../parts/notice.tsx'
import { PlainText } from '../parts/plain-text.tsx'
import { TaskButton } from '../parts/task-button.tsx'
import { fieldLabels, fieldText, loosens } from '../words/fields.ts'
import type { SentFields } from './key-form-state.ts'
import { storedField } from './stored-fields.ts'

interface ReviewProps {
  base: WriteKey
  fields: Partial<SentFields>
  busy: boolean
  error: unknown
  onBack: () => void
  onSave: () => void
  /** Null: some of it cannot be put on trial, or is on trial already. */
  onTry: (() => void) | null
}

export function Review({ base, fields, busy, error, onBack, onSave, onTry }: ReviewProps) {
  const names = Object.keys(fields) as (keyof SentFields)[]
  return (
    <>
      <div class="dialog-body">
        <h3>What changes</h3>
        <dl class="diff">
          {names.map((field) => {
            const warning = loosens(field, storedField(base, field), fields[field] ?? null)
            return (
              <div key={field}>
                <dt>{fieldLabels[field]}</dt>
                <dd>
                  <del>
                    <PlainText text={fieldText(field, storedField(base, field))} />
                  </del>{' '}
                  <span aria-hidden="true">→</span>{' '}
                  <ins>
                    <PlainText text={fieldText(field, fields[field])} />
                  </ins>
                  {warning !== null && <span class="hint warn">{warning}</span>}
                </dd>
              </div>
            )
          })}
        </dl>
        <ErrorNotice error={error} />
      </div>
      <footer class="dialog-foot">
        <button type="button" onClick={onBack}>
          Back
        </button>
        {onTry !== null && !('trial' in fields) && (
          <button
            type="button"
            title="Counts what the new rules would refuse, and refuses nothing by them"
            onClick={onTry}
          >
            Put on trial
          </button>
        )}
        <TaskButton class="primary" busy={busy} onClick={onSave}>
          Save changes
        </TaskButton>
      </footer>
    </>
  )
}

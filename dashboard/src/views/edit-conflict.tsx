import type { WriteKey } from '../api/wire.ts'
import { Notice } from '../parts/notice.tsx'
import { PlainText } from '../parts/plain-text.tsx'
import { fieldLabels, fieldText } from '../words/fields.ts'
import { changedFields, type SentFields, toKeyForm } from './key-form-state.ts'
import { storedField } from './stored-fields.ts'

interface ConflictProps {
  base: WriteKey
  theirs: WriteKey
  mine: Partial<SentFields>
  onLoad: () => void
  onKeep: () => void
}

/** Both versions of a key that was changed meanwhile, by somebody else or by an attempt whose answer got lost. */
export function Conflict({ base, theirs, mine, onLoad, onKeep }: ConflictProps) {
  const changedByThem = changedFields(toKeyForm(base), toKeyForm(theirs))
  const fields = [...new Set([...(Object.keys(mine) as (keyof SentFields)[]), ...changedByThem])]
  return (
    <>
      <div class="dialog-body">
        <Notice level="bad">
          This key was changed while you were editing it, by somebody else or by an attempt of yours whose
          answer got lost. What is stored now differs from what you want to save.
          {theirs.status !== base.status && ` The key is now ${theirs.status}.`}
        </Notice>
        <table class="versions">
          <thead>
            <tr>
              <th scope="col">Field</th>
              <th scope="col">Stored now</th>
              <th scope="col">Yours</th>
            </tr>
          </thead>
          <tbody>
            {fields.map((field) => (
              <tr key={field}>
                <th scope="row">{fieldLabels[field]}</th>
                <td>
                  <PlainText text={fieldText(field, storedField(theirs, field))} />
                </td>
                <td>
                  <PlainText
                    text={fieldText(field, field in mine ? mine[field] : storedField(base, field))}
                  />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <footer class="dialog-foot">
        {theirs.status !== 'revoked' && (
          <button type="button" onClick={onKeep}>
            Keep my changes on top of it
          </button>
        )}
        <button type="button" class="primary" onClick={onLoad}>
          Load the stored version
        </button>
      </footer>
    </>
  )
}

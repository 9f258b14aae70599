import type { WriteKey } from '../api/wire.ts'
import { Notice } from '../parts/notice.tsx'
import { PlainText } from '../parts/plain-text.tsx'
import { fieldLabels, fieldText } from '../words/fields.ts'
import { changedFields, type SentFields, storedField, toKeyForm } from './key-form-state.ts'

interface ConflictProps {
  base: WriteKey
  theirs: WriteKey
  mine: Partial<SentFields>
  onLoad: () => void
  onKeep: () => void
}

/** Both versions of a key that somebody else has changed meanwhile. */
export function Conflict({ base, theirs, mine, onLoad, onKeep }: ConflictProps) {
  const changedByThem = changedFields(toKeyForm(base), toKeyForm(theirs))
  const fields = [...new Set([...(Object.keys(mine) as (keyof SentFields)[]), ...changedByThem])]
  return (
    <>
      <div class="dialog-body">
        <Notice level="bad">
          Somebody changed this key while you were editing it. Nothing of yours has been saved.
          {theirs.status !== base.status && ` The key is now ${theirs.status}.`}
        </Notice>
        <table class="versions">
          <thead>
            <tr>
              <th scope="col">Field</th>
              <th scope="col">Stored now (theirs)</th>
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
            Keep my changes on top of theirs
          </button>
        )}
        <button type="button" class="primary" onClick={onLoad}>
          Load their version
        </button>
      </footer>
    </>
  )
}

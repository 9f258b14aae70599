import { useState } from 'preact/hooks'
import { ApiError } from '../api/client.ts'
import type { WriteKey } from '../api/wire.ts'
import { Dialog } from '../parts/dialog.tsx'
import { ErrorNotice, Notice } from '../parts/notice.tsx'
import { PlainText } from '../parts/plain-text.tsx'
import { useTask } from '../parts/task.ts'
import { useApi } from '../session.ts'
import { fieldLabels, fieldText, loosens } from '../words/fields.ts'
import { KeyForm } from './key-form.tsx'
import {
  changedFields,
  type SentFields,
  toKeyFields,
  toKeyForm,
  triedFields,
  withFields,
} from './key-form-state.ts'

interface EditKeyProps {
  of: WriteKey
  onChanged: (key: WriteKey) => void
  onClose: () => void
}

type Field = keyof SentFields

/**
 * Edits rules in three steps: the form, the changes, and, if somebody else has changed the key, both
 * versions. A save is always compared with the key as it was when the form was opened.
 */
export function EditKey({ of: opened, onChanged, onClose }: EditKeyProps) {
  const api = useApi()
  const [base, setBase] = useState(opened)
  const [form, setForm] = useState(() => toKeyForm(opened))
  const [review, setReview] = useState<Partial<SentFields> | null>(null)
  const [theirs, setTheirs] = useState<WriteKey | null>(null)
  const [fieldError, setFieldError] = useState<ApiError | null>(null)
  const changed = changedFields(toKeyForm(base), form)

  const save = useTask(async () => {
    if (review === null) return
    try {
      onChanged(await api.updateKey(base.id, review, base.version))
      onClose()
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      // A field at fault is shown where it is.
      if (error.field !== null) {
        setFieldError(error)
        setReview(null)
        return
      }
      const latest = error.status === 409 ? await api.getKey(base.id) : null
      if (latest === null || latest.version === base.version) throw error
      onChanged(latest)
      setTheirs(latest)
    }
  })

  function takeTheirs(keepMine: boolean) {
    if (theirs === null) return
    const stored = toKeyForm(theirs)
    setForm(keepMine ? withFields(stored, form, changed) : stored)
    setBase(theirs)
    setTheirs(null)
    setReview(null)
  }

  return (
    <Dialog
      title={
        <>
          Edit <PlainText text={base.name} />
        </>
      }
      wide
      loss={changed.length > 0 ? 'Your changes have not been saved. Throw them away?' : null}
      onClose={onClose}
    >
      {theirs !== null ? (
        <Conflict
          base={base}
          theirs={theirs}
          mine={{ ...review }}
          onLoad={() => takeTheirs(false)}
          onKeep={() => takeTheirs(true)}
        />
      ) : review === null ? (
        <KeyForm
          key={base.version}
          form={form}
          onChange={setForm}
          storedTypes={base.allowed_event_types}
          submit="Save"
          onCancel={onClose}
          refused={fieldError}
          onSubmit={async () => {
            const fields: SentFields = toKeyFields(form)
            if (changed.length === 0) return onClose()
            setFieldError(null)
            setReview(Object.fromEntries(changed.map((field) => [field, fields[field]])))
          }}
        />
      ) : (
        <Review
          base={base}
          fields={review}
          busy={save.busy}
          error={save.error}
          onBack={() => setReview(null)}
          onSave={() => void save.start()}
          onTry={
            changed.every((field) => triedFields.includes(field))
              ? () => {
                  const rules = Object.fromEntries(
                    changed.flatMap((field) => (review[field] === null ? [] : [[field, review[field]]])),
                  )
                  setReview({ trial: { ...base.trial, ...rules } })
                }
              : null
          }
        />
      )}
    </Dialog>
  )
}

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

function Review({ base, fields, busy, error, onBack, onSave, onTry }: ReviewProps) {
  const names = Object.keys(fields) as Field[]
  return (
    <>
      <div class="dialog-body">
        <h3>What changes</h3>
        <dl class="diff">
          {names.map((field) => {
            const warning = loosens(field, fieldOf(base, field), fields[field] ?? null)
            return (
              <div key={field}>
                <dt>{fieldLabels[field]}</dt>
                <dd>
                  <del>
                    <PlainText text={fieldText(field, fieldOf(base, field))} />
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
        <button type="button" class="primary" disabled={busy} onClick={onSave}>
          Save changes
        </button>
      </footer>
    </>
  )
}

interface ConflictProps {
  base: WriteKey
  theirs: WriteKey
  mine: Partial<SentFields>
  onLoad: () => void
  onKeep: () => void
}

function Conflict({ base, theirs, mine, onLoad, onKeep }: ConflictProps) {
  const changedByThem = changedFields(toKeyForm(base), toKeyForm(theirs))
  const fields = [...new Set([...(Object.keys(mine) as Field[]), ...changedByThem])]
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
                  <PlainText text={fieldText(field, fieldOf(theirs, field))} />
                </td>
                <td>
                  <PlainText text={fieldText(field, field in mine ? mine[field] : fieldOf(base, field))} />
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

function fieldOf(key: WriteKey, field: Field): unknown {
  return key[field as keyof WriteKey] ?? null
}

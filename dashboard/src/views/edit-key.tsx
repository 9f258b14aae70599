import { useState } from 'preact/hooks'
import { ApiError } from '../api/client.ts'
import type { WriteKey } from '../api/wire.ts'
import { say } from '../flash.ts'
import { Dialog } from '../parts/dialog.tsx'
import { PlainText } from '../parts/plain-text.tsx'
import { useTask } from '../parts/task.ts'
import { useApi } from '../session.ts'
import { Conflict } from './edit-conflict.tsx'
import { Review } from './edit-review.tsx'
import { KeyForm } from './key-form.tsx'
import {
  changedFields,
  type SentFields,
  toKeyFields,
  toKeyForm,
  triedFields,
  withFields,
} from './key-form-state.ts'
import { isStored } from './stored-fields.ts'

interface EditKeyProps {
  of: WriteKey
  onChanged: (key: WriteKey) => void
  onClose: () => void
}

/**
 * Edits rules in three steps: the form, the changes, and, if somebody else has changed the key, both
 * versions. A save is always compared with the key as it was when the form was opened.
 */
export function EditKey({ of: opened, onChanged, onClose }: EditKeyProps) {
  const { base, form, setForm, changed, review, theirs, fieldError, save, ...next } = useKeyEdit(
    opened,
    onChanged,
    onClose,
  )

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
          onLoad={() => next.takeTheirs(false)}
          onKeep={() => next.takeTheirs(true)}
        />
      ) : review === null ? (
        <KeyForm
          key={base.version}
          form={form}
          onChange={setForm}
          stored={base}
          submit="Save"
          onCancel={onClose}
          refused={fieldError}
          onSubmit={next.reviewForm}
        />
      ) : (
        <Review
          base={base}
          fields={review}
          busy={save.busy}
          error={save.error}
          onBack={next.goBack}
          onSave={() => void save.start()}
          onTry={changed.every((field) => triedFields.includes(field)) ? next.putOnTrial : null}
        />
      )}
    </Dialog>
  )
}

/** What is being edited, and how it goes on from there. */
function useKeyEdit(opened: WriteKey, onChanged: EditKeyProps['onChanged'], onClose: () => void) {
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
      if (!isStored(review, latest)) return setTheirs(latest)
      say('has your changes, saved by an attempt whose answer got lost or by somebody else.', latest.name)
      onClose()
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

  async function reviewForm() {
    const fields: SentFields = toKeyFields(form)
    if (changed.length === 0) return onClose()
    setFieldError(null)
    setReview(Object.fromEntries(changed.map((field) => [field, fields[field]])))
  }

  function putOnTrial() {
    const rules = Object.entries({ ...review }).filter(([, value]) => value !== null)
    setReview({ trial: { ...base.trial, ...Object.fromEntries(rules) } })
  }

  const goBack = () => setReview(null)
  return {
    base,
    form,
    setForm,
    changed,
    review,
    theirs,
    fieldError,
    save,
    takeTheirs,
    reviewForm,
    putOnTrial,
    goBack,
  }
}

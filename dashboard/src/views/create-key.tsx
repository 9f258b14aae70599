import { useRef, useState } from 'preact/hooks'
import { ApiError, isUnanswered, type NewKey } from '../api/client.ts'
import type { CreatedKey, RotatedKey, WriteKey } from '../api/wire.ts'
import { Dialog } from '../parts/dialog.tsx'
import { isOfOneWorkspace, useApi } from '../session.ts'
import { KeyForm } from './key-form.tsx'
import { changedFields, emptyKeyForm, toKeyFields } from './key-form-state.ts'
import { LostSecret } from './lost-secret.tsx'
import { SecretReveal } from './secret-reveal.tsx'

export function CreateKey({ onClose }: { onClose: () => void }) {
  const [empty] = useState(() => emptyKeyForm(isOfOneWorkspace() ? 'default' : 'own'))
  const [form, setForm] = useState(empty)
  const [created, setCreated] = useState<CreatedKey | RotatedKey | null>(null)
  const [lost, setLost] = useState<WriteKey | null>(null)
  const createOnce = useCreation()
  if (created !== null) {
    return (
      <SecretReveal
        key="secret"
        title="Write key created"
        writeKey={created}
        secret={created.key}
        onClose={onClose}
      />
    )
  }
  if (lost !== null) return <LostSecret key="lost" of={lost} onRotated={setCreated} onClose={onClose} />
  const isTyped = changedFields(empty, form).length > 0
  return (
    <Dialog
      key="form"
      title="Create write key"
      wide
      loss={isTyped ? 'The key has not been created yet. Throw away what you typed?' : null}
      onClose={onClose}
    >
      <KeyForm
        form={form}
        onChange={setForm}
        stored={null}
        submit="Create"
        onCancel={onClose}
        onSubmit={async () => {
          const { plan, ...fields } = toKeyFields(form)
          // Send no plan if none was chosen: not everybody may set it.
          const answer = await createOnce({ ...fields, ...(plan != null && { plan }) })
          if (answer.key === undefined) setLost(answer)
          else setCreated(answer)
        }}
      />
    </Dialog>
  )
}

/** Creates one key for one form, however often an answer gets lost. */
function useCreation() {
  const api = useApi()
  const idempotencyKey = useRef(newIdempotencyKey())
  /** What the attempt sent whose answer got lost. */
  const unsure = useRef<NewKey | null>(null)

  return async (fields: NewKey) => {
    try {
      return await api.createKey(fields, idempotencyKey.current)
    } catch (error) {
      if (isUnanswered(error)) unsure.current ??= fields
      if (!(error instanceof ApiError) || error.field !== 'Idempotency-Key') throw error
      if (unsure.current === null) throw error
      // The form was changed since: the first attempt has made the key with what it had then.
      return await api.createKey(unsure.current, idempotencyKey.current)
    }
  }
}

/** `crypto.randomUUID` is missing on plain HTTP. */
function newIdempotencyKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('')
}

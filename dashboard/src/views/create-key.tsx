import { useState } from 'preact/hooks'
import type { CreatedKey } from '../api/wire.ts'
import { Dialog } from '../parts/dialog.tsx'
import { isOfOneWorkspace, useApi } from '../session.ts'
import { KeyForm } from './key-form.tsx'
import { changedFields, emptyKeyForm, toKeyFields } from './key-form-state.ts'
import { SecretReveal } from './secret-reveal.tsx'

export function CreateKey({ onClose }: { onClose: () => void }) {
  const api = useApi()
  const [empty] = useState(() => emptyKeyForm(isOfOneWorkspace() ? 'default' : 'own'))
  const [form, setForm] = useState(empty)
  const [created, setCreated] = useState<CreatedKey | null>(null)
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
        storedTypes={null}
        isNew
        submit="Create"
        onCancel={onClose}
        onSubmit={async () => {
          const { plan, ...fields } = toKeyFields(form)
          // Send no plan if none was chosen: not everybody may set it.
          setCreated(await api.createKey({ ...fields, ...(plan != null && { plan }) }))
        }}
      />
    </Dialog>
  )
}

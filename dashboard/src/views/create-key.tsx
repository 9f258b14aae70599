import { useState } from 'preact/hooks'
import type { CreatedKey } from '../api/wire.ts'
import { Dialog } from '../parts/dialog.tsx'
import { useApi } from '../session.ts'
import { KeyForm } from './key-form.tsx'
import { emptyKeyForm } from './key-form-state.ts'
import { SecretReveal } from './secret-reveal.tsx'

export function CreateKey({ onClose }: { onClose: () => void }) {
  const api = useApi()
  const [created, setCreated] = useState<CreatedKey | null>(null)
  if (created !== null) {
    return (
      <SecretReveal title="Write key created" writeKey={created} secret={created.key} onClose={onClose} />
    )
  }
  return (
    <Dialog title="Create write key" wide onClose={onClose}>
      <KeyForm
        initial={emptyKeyForm()}
        isNew
        submit="Create"
        onCancel={onClose}
        onSubmit={async (fields) => setCreated(await api.createKey(fields))}
      />
    </Dialog>
  )
}

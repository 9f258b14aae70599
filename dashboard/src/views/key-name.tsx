import { useState } from 'preact/hooks'
import type { WriteKey } from '../api/wire.ts'
import { ErrorNotice } from '../parts/notice.tsx'
import { PlainText } from '../parts/plain-text.tsx'
import { useTask } from '../parts/task.ts'
import { canWrite, useApi } from '../session.ts'

/** The name as a heading that becomes a field: Enter saves, Escape leaves it as it was. */
export function KeyName({ of: key, onChanged }: { of: WriteKey; onChanged: (key: WriteKey) => void }) {
  const api = useApi()
  const [draft, setDraft] = useState<string | null>(null)
  const { start, busy, error } = useTask(async (name: string) => {
    if (name !== key.name) onChanged(await api.updateKey(key.id, { name }, key.version))
    setDraft(null)
  })
  if (draft === null) {
    return (
      <h1 class="key-name">
        <PlainText text={key.name} />
        {canWrite() && key.status === 'active' && (
          <button
            type="button"
            class="icon"
            aria-label="Rename"
            title="Rename"
            onClick={() => setDraft(key.name)}
          >
            ✎
          </button>
        )}
      </h1>
    )
  }
  return (
    <form
      class="rename"
      onSubmit={(event) => {
        event.preventDefault()
        void start(draft)
      }}
    >
      <input
        aria-label="Name"
        ref={(input) => {
          if (input !== null && input.ownerDocument.activeElement !== input && !busy) input.focus()
        }}
        required
        maxLength={100}
        value={draft}
        onInput={(event) => setDraft(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Escape') setDraft(null)
        }}
      />
      <button type="submit" class="primary" disabled={busy}>
        Save
      </button>
      <button type="button" onClick={() => setDraft(null)}>
        Cancel
      </button>
      <ErrorNotice error={error} />
    </form>
  )
}

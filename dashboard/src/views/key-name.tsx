import { useState } from 'preact/hooks'
import { ApiError } from '../api/client.ts'
import type { WriteKey } from '../api/wire.ts'
import { ErrorNotice } from '../parts/notice.tsx'
import { PlainText } from '../parts/plain-text.tsx'
import { useTask } from '../parts/task.ts'
import { canWrite, useApi } from '../session.ts'

/** The name as a heading that becomes a field: Enter saves, Escape leaves it as it was. */
export function KeyName({ of: key, onChanged }: { of: WriteKey; onChanged: (key: WriteKey) => void }) {
  const api = useApi()
  /** What is typed, and the key as it was when that began. */
  const [draft, setDraft] = useState<{ name: string; opened: WriteKey } | null>(null)
  const { start, busy, error } = useTask(async (name: string, opened: WriteKey) => {
    if (name !== opened.name) onChanged(await rename(name, opened))
    setDraft(null)
  })

  async function rename(name: string, opened: WriteKey): Promise<WriteKey> {
    try {
      return await api.updateKey(opened.id, { name }, opened.version)
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 409) throw error
      const latest = await api.getKey(opened.id)
      // Changes of other fields do not matter here; another new name does.
      if (latest.name === opened.name && latest.version !== opened.version) return rename(name, latest)
      onChanged(latest)
      setDraft({ name, opened: latest })
      if (latest.name === opened.name) throw error
      throw new Error(
        `Somebody has renamed the key to "\u2068${latest.name}\u2069" meanwhile. Save again to replace that.`,
      )
    }
  }

  if (draft === null) {
    return (
      <h1 class="key-name">
        <PlainText text={key.name} />
        {canWrite() && (
          <button
            type="button"
            class="icon"
            aria-label="Rename"
            title="Rename"
            onClick={() => setDraft({ name: key.name, opened: key })}
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
        void start(draft.name, draft.opened)
      }}
    >
      <input
        aria-label="Name"
        ref={(input) => {
          if (input !== null && input.ownerDocument.activeElement !== input && !busy) input.focus()
        }}
        required
        maxLength={100}
        value={draft.name}
        onInput={(event) => setDraft({ ...draft, name: event.currentTarget.value })}
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

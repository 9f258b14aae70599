import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import { ApiError } from '../api/client.ts'
import type { WriteKey } from '../api/wire.ts'
import { say } from '../flash.ts'
import { addGuard, hold } from '../guard.ts'
import { LossQuestion } from '../parts/loss-question.tsx'
import { ErrorNotice } from '../parts/notice.tsx'
import { PlainText } from '../parts/plain-text.tsx'
import { useTask } from '../parts/task.ts'
import { TaskButton } from '../parts/task-button.tsx'
import { canWrite, useApi } from '../session.ts'

/**
 * What is typed, and the key as it was when that began. It outlives the session, and leaving the page asks before it is
 * thrown away.
 */
function useDraft() {
  const [draft, setDraft] = useState<{ name: string; opened: WriteKey } | null>(null)
  const [leaving, setLeaving] = useState<{ go: () => void } | null>(null)
  const isTyped = draft !== null && draft.name !== draft.opened.name
  const letGo = useRef(() => {})
  useLayoutEffect(() => {
    if (!isTyped) return
    const undo = [addGuard({ ask: (go) => setLeaving({ go }) }), hold()]
    letGo.current = () => {
      for (const each of undo.splice(0)) each()
    }
    return () => {
      letGo.current()
      setLeaving(null)
    }
  }, [isTyped])

  function leave() {
    letGo.current()
    setDraft(null)
    leaving?.go()
  }
  return { draft, setDraft, isLeaving: leaving !== null, stay: () => setLeaving(null), leave }
}

/** The name as a heading that becomes a field: Enter saves, Escape leaves it as it was. */
export function KeyName({ of: key, onChanged }: { of: WriteKey; onChanged: (key: WriteKey) => void }) {
  const api = useApi()
  const { draft, setDraft, isLeaving, stay, leave } = useDraft()
  const { start, busy, error } = useTask(async (name: string, opened: WriteKey) => {
    if (name !== opened.name) await rename(name, opened)
    setDraft(null)
  })

  async function rename(name: string, opened: WriteKey): Promise<void> {
    try {
      onChanged(await api.updateKey(opened.id, { name }, opened.version))
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 409) throw error
      const latest = await api.getKey(opened.id)
      // Changes of other fields do not matter here; another new name does.
      if (latest.name === opened.name && latest.version !== opened.version) return rename(name, latest)
      onChanged(latest)
      if (latest.name === name)
        return say('is saved as the name, by an attempt whose answer got lost or by somebody else.', name)
      setDraft({ name, opened: latest })
      if (latest.name === opened.name) throw error
      throw new Error(
        `The key was renamed to "\u2068${latest.name}\u2069" meanwhile, by somebody else or by an attempt whose answer got lost. Save again to replace that.`,
      )
    }
  }

  if (draft === null)
    return <NameHeading name={key.name} onRename={() => setDraft({ name: key.name, opened: key })} />
  return (
    <form
      class="rename"
      data-focus="rename"
      onSubmit={(event) => {
        event.preventDefault()
        void start(draft.name, draft.opened)
      }}
      onKeyDown={(event) => {
        if (event.key !== 'Escape') return
        if (isLeaving) stay()
        else setDraft(null)
      }}
    >
      {isLeaving && (
        <LossQuestion
          loss="The new name has not been saved. Throw it away?"
          discard="Discard"
          onStay={stay}
          onLeave={leave}
        />
      )}
      <input
        aria-label="Name"
        ref={focusOnce}
        required
        maxLength={100}
        value={draft.name}
        onInput={(event) => setDraft({ ...draft, name: event.currentTarget.value })}
      />
      <TaskButton type="submit" class="primary" busy={busy}>
        Save
      </TaskButton>
      <button type="button" onClick={() => setDraft(null)}>
        Cancel
      </button>
      <ErrorNotice error={error} />
    </form>
  )
}

/** One function for every drawing of the field: it is called when the field appears, and not again. */
function focusOnce(input: HTMLInputElement | null): void {
  input?.focus()
}

function NameHeading({ name, onRename }: { name: string; onRename: () => void }) {
  return (
    <h1 class="key-name">
      <PlainText text={name} />
      {canWrite() && (
        <button
          type="button"
          class="icon"
          data-focus="rename"
          aria-label="Rename"
          title="Rename"
          onClick={onRename}
        >
          ✎
        </button>
      )}
    </h1>
  )
}

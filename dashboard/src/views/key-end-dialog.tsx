import type { ComponentChildren } from 'preact'
import type { WriteKey } from '../api/wire.ts'
import { ConfirmDialog } from '../parts/dialog.tsx'
import { PlainText } from '../parts/plain-text.tsx'
import type { Task } from '../parts/task.ts'

type Ending = 'pause' | 'revoke' | 'delete'

const verbs: Readonly<Record<Ending, string>> = { pause: 'Pause', revoke: 'Revoke', delete: 'Delete' }

/** What happens, shown after the key's name. */
const effects: Readonly<Record<Ending, ComponentChildren>> = {
  pause: (
    <>
      accepts nothing until you resume it. Senders get 429 with Retry-After: most try again for some minutes,
      and then throw events away.
    </>
  ),
  revoke: (
    <>
      stops accepting events at once, with all its secrets. <strong>This cannot be undone:</strong> senders
      get 401 until they have a new key.
    </>
  ),
  delete: (
    <>
      and its volume are removed, and it stops accepting events at once.{' '}
      <strong>This cannot be undone.</strong> The audit log stays.
    </>
  ),
}

interface KeyEndDialogProps {
  of: WriteKey
  action: Ending
  task: Task
  onClose: () => void
}

/** Asks before a key is paused, revoked or deleted. */
export function KeyEndDialog({ of: key, action, task, onClose }: KeyEndDialogProps) {
  return (
    <ConfirmDialog
      title={
        <>
          {verbs[action]} <PlainText text={key.name} />?
        </>
      }
      action={`${verbs[action]} key`}
      busy={task.busy}
      error={task.error}
      onConfirm={() => void task.start()}
      onClose={onClose}
    >
      <p>
        <PlainText class="strong" text={key.name} /> (<span class="mono">{key.id}</span>) {effects[action]}
      </p>
    </ConfirmDialog>
  )
}

import type { WriteKey } from '../api/wire.ts'
import type { Task } from '../parts/task.ts'
import { TaskButton } from '../parts/task-button.tsx'

interface KeyActionsProps {
  of: WriteKey
  /** Whether the key accepts events. */
  isLive: boolean
  resume: Task
  onOpen: (dialog: 'rotate' | 'pause' | 'revoke' | 'delete') => void
}

/** The buttons of a key for those who may change it. */
export function KeyActions({ of: key, isLive, resume, onOpen }: KeyActionsProps) {
  return (
    <div class="actions">
      {isLive && (
        <button type="button" class="primary" onClick={() => onOpen('rotate')}>
          Rotate key
        </button>
      )}
      {isLive && (
        <button type="button" data-focus="pause" onClick={() => onOpen('pause')}>
          Pause
        </button>
      )}
      {key.status === 'paused' && (
        <TaskButton data-focus="pause" busy={resume.busy} onClick={() => void resume.start()}>
          {resume.busy ? 'Resuming…' : 'Resume'}
        </TaskButton>
      )}
      {key.status !== 'revoked' && (
        <button type="button" class="danger-quiet" onClick={() => onOpen('revoke')}>
          Revoke
        </button>
      )}
      <button type="button" class="danger-quiet" onClick={() => onOpen('delete')}>
        Delete
      </button>
    </div>
  )
}

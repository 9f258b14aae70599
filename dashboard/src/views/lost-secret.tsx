import type { RotatedKey, WriteKey } from '../api/wire.ts'
import { Dialog } from '../parts/dialog.tsx'
import { ErrorNotice, Notice } from '../parts/notice.tsx'
import { PlainText } from '../parts/plain-text.tsx'
import { TaskButton } from '../parts/task-button.tsx'
import { keyHref } from '../route.ts'
import { useRotation } from './rotation.ts'

interface LostSecretProps {
  of: WriteKey
  onRotated: (answer: RotatedKey) => void
  onClose: () => void
}

/** The key was made by an attempt whose answer got lost. Nobody has its secret, so it is replaced without a grace. */
export function LostSecret({ of: key, onRotated, onClose }: LostSecretProps) {
  const { start, busy, error } = useRotation(key, onRotated)
  return (
    <Dialog title="Write key created, but its secret is lost" onClose={onClose}>
      <div class="dialog-body">
        <Notice level="warn">
          An earlier attempt created{' '}
          <a href={keyHref(key.id)}>
            <PlainText class="strong" text={key.name} />
          </a>{' '}
          (<span class="mono">{key.id}</span>), with what the form had then. Its answer got lost, and with it
          the secret, which nobody can show again. No other key was made.
        </Notice>
        <p>Rotate the key for a secret that you can copy. The lost one stops at once.</p>
        <ErrorNotice error={error} />
      </div>
      <footer class="dialog-foot">
        <button type="button" onClick={onClose}>
          Close
        </button>
        <TaskButton class="primary" busy={busy} onClick={() => void start(0)}>
          Rotate key
        </TaskButton>
      </footer>
    </Dialog>
  )
}

import { useState } from 'preact/hooks'
import type { RotatedKey, WriteKey } from '../api/wire.ts'
import { Dialog } from '../parts/dialog.tsx'
import { ErrorNotice, Notice } from '../parts/notice.tsx'
import { PlainText } from '../parts/plain-text.tsx'
import { TaskButton } from '../parts/task-button.tsx'
import { useRotation } from './rotation.ts'

const choices = [
  { hours: '24', label: '24 hours' },
  { hours: '1', label: '1 hour' },
  { hours: '72', label: '3 days' },
  { hours: '168', label: '7 days' },
  { hours: '720', label: '30 days' },
  { hours: '0', label: 'None: the old secret stops now' },
]

interface RotateDialogProps {
  of: WriteKey
  onRotated: (answer: RotatedKey) => void
  onClose: () => void
}

export function RotateDialog({ of: key, onRotated, onClose }: RotateDialogProps) {
  const [choice, setChoice] = useState('24')
  const [hours, setHours] = useState('48')
  const grace = choice === 'other' ? Number(hours) : Number(choice)
  const { start, busy, error } = useRotation(key, onRotated)
  return (
    <Dialog
      title={
        <>
          Rotate <PlainText text={key.name} />
        </>
      }
      onClose={onClose}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void start(grace)
        }}
      >
        <div class="dialog-body">
          <p>
            A new secret is made. Both are accepted during the grace period, so senders can be moved without a
            gap.
          </p>
          <label>
            Grace period
            <select name="grace" value={choice} onChange={(event) => setChoice(event.currentTarget.value)}>
              {choices.map((entry) => (
                <option key={entry.hours} value={entry.hours}>
                  {entry.label}
                </option>
              ))}
              <option value="other">Other…</option>
            </select>
          </label>
          {choice === 'other' && (
            <label>
              Hours, 0 to 720
              <input
                name="hours"
                type="number"
                min="0"
                max="720"
                step="any"
                required
                value={hours}
                onInput={(event) => setHours(event.currentTarget.value)}
              />
            </label>
          )}
          {grace === 0 && (
            <Notice level="warn">
              Senders that still use the old secret get 401 at once. Right after a leak.
            </Notice>
          )}
          <ErrorNotice error={error} />
        </div>
        <footer class="dialog-foot">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <TaskButton type="submit" class="primary" busy={busy}>
            Rotate key
          </TaskButton>
        </footer>
      </form>
    </Dialog>
  )
}

import { useState } from 'preact/hooks'
import type { WriteKey } from '../api/wire.ts'
import { ConfirmDialog } from '../parts/dialog.tsx'
import { KeyMarks } from '../parts/key-label.tsx'
import { Notice } from '../parts/notice.tsx'
import { PlainText } from '../parts/plain-text.tsx'
import type { Task } from '../parts/task.ts'
import { canWrite } from '../session.ts'
import { plural } from '../words/format.ts'
import { type BulkAction, type BulkOutcome, pastTense, useBulkRun } from './bulk-run.ts'
import { saveKeys } from './export-keys.tsx'
import { toName } from './key-picker.tsx'

interface BulkActionsProps {
  chosen: WriteKey[]
  onClear: () => void
  /** @param stillChosen keys that were not changed, or may not have been */
  onDone: (stillChosen: WriteKey[]) => void
}

/** What can be done to several keys together. Each is its own change in the audit log. */
export function BulkActions({ chosen, onClear, onDone }: BulkActionsProps) {
  const [asking, setAsking] = useState<BulkAction | null>(null)
  const { outcome, task, dismiss } = useBulkRun(chosen, (stillChosen) => {
    setAsking(null)
    onDone(stillChosen)
  })

  return (
    <>
      {outcome !== null && <Outcome of={outcome} onDismiss={dismiss} />}
      {chosen.length > 0 && <ChosenKeys chosen={chosen} onAsk={setAsking} onClear={onClear} />}
      {asking !== null && (
        <BulkDialog chosen={chosen} action={asking} task={task} onClose={() => setAsking(null)} />
      )}
    </>
  )
}

function Outcome({ of: { action, done, unknown, failed }, onDismiss }: OutcomeProps) {
  const word = pastTense[action]
  return (
    <div role="status">
      <Notice level={unknown.length + failed.length === 0 ? 'good' : 'bad'}>
        {(done > 0 || unknown.length === 0) && <div>{`${plural(done, 'key')} ${word}.`}</div>}
        {unknown.length > 0 && (
          <div>
            {`Not known whether ${plural(unknown.length, 'key')} ${unknown.length === 1 ? 'was' : 'were'} ${word}: `}
            the server did not answer. This text changes as soon as it does.
          </div>
        )}
        {failed.map(({ key, text }) => (
          <div key={key.id}>
            <PlainText class="strong" text={key.name} /> ({key.id}): {text}
          </div>
        ))}
        <button type="button" class="small" onClick={onDismiss}>
          Dismiss
        </button>
      </Notice>
    </div>
  )
}

interface OutcomeProps {
  of: BulkOutcome
  onDismiss: () => void
}

interface ChosenKeysProps {
  chosen: WriteKey[]
  onAsk: (action: BulkAction) => void
  onClear: () => void
}

function ChosenKeys({ chosen, onAsk, onClear }: ChosenKeysProps) {
  return (
    <fieldset class="bulk" aria-label="Chosen keys" data-focus="choose">
      <strong>{plural(chosen.length, 'key')} chosen</strong>
      {canWrite() && (
        <>
          <button type="button" class="small" onClick={() => onAsk('pause')}>
            Pause
          </button>
          <button type="button" class="small danger-quiet" onClick={() => onAsk('revoke')}>
            Revoke
          </button>
        </>
      )}
      <button type="button" class="small" onClick={() => saveKeys(chosen, 'CSV')}>
        CSV
      </button>
      <button type="button" class="small" onClick={() => saveKeys(chosen, 'JSON')}>
        JSON
      </button>
      <button type="button" class="small" onClick={onClear}>
        Choose none
      </button>
    </fieldset>
  )
}

interface BulkDialogProps {
  chosen: WriteKey[]
  action: BulkAction
  task: Task<[action: BulkAction]>
  onClose: () => void
}

function BulkDialog({ chosen, action, task, onClose }: BulkDialogProps) {
  return (
    <ConfirmDialog
      title={`${action === 'pause' ? 'Pause' : 'Revoke'} ${plural(chosen.length, 'key')}?`}
      action={action === 'pause' ? 'Pause keys' : 'Revoke keys'}
      busy={task.busy}
      error={task.error}
      onConfirm={() => void task.start(action)}
      onClose={onClose}
    >
      <p>
        {action === 'pause' ? (
          'They accept nothing until you resume them; senders get 429.'
        ) : (
          <>
            They stop accepting events at once. <strong>This cannot be undone.</strong>
          </>
        )}
      </p>
      <ul>
        {chosen.slice(0, 20).map((key) => (
          <li key={key.id}>
            <PlainText class="strong" text={key.name} /> <KeyMarks of={toName(key)} />
          </li>
        ))}
      </ul>
      {chosen.length > 20 && <p>And {chosen.length - 20} more.</p>}
    </ConfirmDialog>
  )
}

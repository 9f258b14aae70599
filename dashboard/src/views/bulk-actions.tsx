import { useState } from 'preact/hooks'
import type { WriteKey } from '../api/wire.ts'
import { ConfirmDialog } from '../parts/dialog.tsx'
import { KeyMarks } from '../parts/key-label.tsx'
import { Notice } from '../parts/notice.tsx'
import { PlainText } from '../parts/plain-text.tsx'
import { type Task, useTask } from '../parts/task.ts'
import { canWrite, useApi } from '../session.ts'
import { toCsv } from '../words/export.ts'
import { errorText } from '../words/fields.ts'
import { plural } from '../words/format.ts'
import { saveFile } from '../words/save-file.ts'
import { toName } from './key-picker.tsx'

type BulkAction = 'pause' | 'revoke'

interface BulkActionsProps {
  chosen: WriteKey[]
  onClear: () => void
  onDone: () => void
}

const atOnce = 4

/** What can be done to several keys together. Each is its own change in the audit log. */
export function BulkActions({ chosen, onClear, onDone }: BulkActionsProps) {
  const api = useApi()
  const [asking, setAsking] = useState<BulkAction | null>(null)
  const [outcome, setOutcome] = useState<{ done: string; failed: string[] } | null>(null)
  const task = useTask(async (action: BulkAction) => {
    const failed: string[] = []
    const waiting = [...chosen]
    const work = async () => {
      for (let key = waiting.shift(); key !== undefined; key = waiting.shift()) {
        try {
          await (action === 'pause' ? api.pauseKey(key.id) : api.revokeKey(key.id))
        } catch (error) {
          failed.push(`\u2068${key.name}\u2069 (${key.id}): ${errorText(error)}`)
        }
      }
    }
    await Promise.all(Array.from({ length: atOnce }, work))
    const count = plural(chosen.length - failed.length, 'key')
    setOutcome({ done: `${count} ${action === 'pause' ? 'paused' : 'revoked'}.`, failed })
    setAsking(null)
    onDone()
  })

  return (
    <>
      {outcome !== null && (
        <div role="status">
          <Notice level={outcome.failed.length === 0 ? 'good' : 'bad'}>
            {outcome.done}
            {outcome.failed.map((line) => (
              <div key={line}>{line}</div>
            ))}
          </Notice>
        </div>
      )}
      {chosen.length > 0 && <ChosenKeys chosen={chosen} onAsk={setAsking} onClear={onClear} />}
      {asking !== null && (
        <BulkDialog chosen={chosen} action={asking} task={task} onClose={() => setAsking(null)} />
      )}
    </>
  )
}

interface ChosenKeysProps {
  chosen: WriteKey[]
  onAsk: (action: BulkAction) => void
  onClear: () => void
}

function ChosenKeys({ chosen, onAsk, onClear }: ChosenKeysProps) {
  return (
    <fieldset class="bulk" aria-label="Chosen keys">
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
      <button
        type="button"
        class="small"
        onClick={() => saveFile('write-keys.csv', 'text/csv', toCsv(chosen))}
      >
        CSV
      </button>
      <button
        type="button"
        class="small"
        onClick={() => saveFile('write-keys.json', 'application/json', JSON.stringify(chosen, null, 2))}
      >
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

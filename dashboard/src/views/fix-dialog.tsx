import { isGone } from '../api/client.ts'
import { newerVersion } from '../api/newer-version.ts'
import type { WriteKey } from '../api/wire.ts'
import { say } from '../flash.ts'
import { ConfirmDialog } from '../parts/dialog.tsx'
import { KeyMarks } from '../parts/key-label.tsx'
import { ErrorNotice } from '../parts/notice.tsx'
import { PlainText } from '../parts/plain-text.tsx'
import { useData } from '../parts/refreshed-data.ts'
import { useTask } from '../parts/task.ts'
import { useApi } from '../session.ts'
import { fieldLabels } from '../words/fields.ts'
import { type Fix, fixedFields } from '../words/fixes.ts'
import { currentSecret } from '../words/key-status.ts'

interface FixDialogProps {
  keyId: string
  fix: Fix
  onClose: () => void
}

/** Adds the refused value to one list of a key, after saying what that lets in. */
export function FixDialog({ keyId, fix, onClose }: FixDialogProps) {
  const api = useApi()
  const { data: key, error } = useData(keyId, () => api.getKey(keyId))
  const changes = key === null ? null : fixedFields(key, fix)
  const task = useTask(async () => {
    if (key === null || changes === null) return
    await allow(key)
    onClose()
  })

  /** The entries are added to whatever list the key has by now. */
  async function allow(now: WriteKey): Promise<void> {
    const fields = fixedFields(now, fix)
    if (fields === null) {
      const by = 'by somebody else or by an attempt whose answer got lost'
      return say(`allows this already, ${by}. Nothing was changed now.`, now.name)
    }
    try {
      await api.updateKey(keyId, fields, now.version)
    } catch (error) {
      if (isGone(error)) throw new Error('This key has been deleted.')
      return allow(await newerVersion(api, now, error))
    }
    say(`was changed: ${fix.label.toLowerCase()}.`, now.name)
  }

  return (
    <ConfirmDialog
      title={`${fix.label}?`}
      action={fix.label}
      busy={task.busy}
      disabled={changes === null}
      error={task.error}
      onConfirm={() => void task.start()}
      onClose={onClose}
    >
      <ErrorNotice error={error} />
      {key !== null && (
        <p>
          <PlainText class="strong" text={key.name} />{' '}
          <KeyMarks
            of={{
              environment: key.environment,
              workspace: key.workspace,
              start: currentSecret(key)?.start ?? null,
            }}
          />
        </p>
      )}
      <dl class="diff">
        <div>
          <dt>{fieldLabels[fix.field]}</dt>
          <dd>
            {fix.entries.map((entry) => (
              <ins key={entry}>
                + <PlainText class="mono" text={entry} />
              </ins>
            ))}
          </dd>
        </div>
      </dl>
      <p>{fix.meaning}</p>
      {key !== null && changes === null && (
        <p class="warn-text">
          The key already allows this, or another of its rules refuses it. Check its rules.
        </p>
      )}
    </ConfirmDialog>
  )
}

import { useState } from 'preact/hooks'
import { isGone } from '../api/client.ts'
import type { RotatedKey, WriteKey } from '../api/wire.ts'
import { moment } from '../clock.ts'
import { announce, say } from '../flash.ts'
import { ErrorNotice, Notice } from '../parts/notice.tsx'
import { useData } from '../parts/refreshed-data.ts'
import { StatusPill } from '../parts/status-pill.tsx'
import { useTask } from '../parts/task.ts'
import { canWrite, useApi } from '../session.ts'
import { describeChange } from '../words/key-change.ts'
import { staleDays, statusOf } from '../words/key-status.ts'
import { AuditTrail } from './audit-log.tsx'
import { EditKey } from './edit-key.tsx'
import { KeyActions } from './key-actions.tsx'
import { KeyAnomalies } from './key-anomalies.tsx'
import { KeyEndDialog } from './key-end-dialog.tsx'
import { KeyFacts } from './key-facts.tsx'
import { KeyName } from './key-name.tsx'
import { KeyRules } from './key-rules.tsx'
import { KeySecrets } from './key-secrets.tsx'
import { KeyVerdict } from './key-verdict.tsx'
import { KeyVolume } from './key-volume.tsx'
import { LastDecisions } from './last-decisions.tsx'
import { RotateDialog } from './rotate-dialog.tsx'
import { SecretReveal } from './secret-reveal.tsx'
import { TrialRules } from './trial-rules.tsx'

type OpenDialog = 'edit' | 'rotate' | 'pause' | 'revoke' | 'delete' | null

export function KeyPage({ id }: { id: string }) {
  const api = useApi()
  const { data: key, error, readAt, reload, setData } = useData(id, () => api.getKey(id), 15_000)
  const [open, setOpen] = useState<OpenDialog>(null)
  const [rotated, setRotated] = useState<RotatedKey | null>(null)
  const [changes, setChanges] = useState(0)
  const close = () => setOpen(null)

  /** Shows what a change made of the key, here and in its audit trail. */
  function show(changed: WriteKey) {
    const words = key === null ? null : describeChange(key, changed)
    if (words !== null) announce(words, changed.name)
    setData((before) => ({ ...before, ...changed }))
    setChanges((count) => count + 1)
    void reload()
  }

  const { pause, resume, revoke, remove } = useKeyEnds(id, key?.name ?? id, show, close)

  if (key === null) return <NoKey error={error} />
  const status = statusOf(key, moment.value)
  const isLive = status === 'active' || status === 'rotating'
  return (
    <>
      <Back />
      <div class="page-head key-head">
        <KeyName of={key} onChanged={show} />
        <StatusPill of={key} />
        <span class="grow" />
        {canWrite() && <KeyActions of={key} isLive={isLive} resume={resume} onOpen={setOpen} />}
      </div>
      <KeyVerdict of={key} />
      <KeyFacts of={key} readAt={readAt} />
      <KeyNotices of={key} error={error} resumeError={resume.error} />
      <div class="key-grid">
        <KeyVolume id={id} />
        <KeyAnomalies id={id} />
        <div class="column">
          <KeySecrets of={key} onChanged={show} />
          <section class="card">
            <h2>Audit trail</h2>
            <AuditTrail keyId={id} version={changes} />
          </section>
        </div>
        <KeyRules of={key} onEdit={canWrite() && key.status !== 'revoked' ? () => setOpen('edit') : null} />
        <TrialRules of={key} onChanged={show} />
        <LastDecisions of={key} />
      </div>

      {open === 'edit' && <EditKey of={key} onChanged={show} onClose={close} />}
      {open === 'rotate' && (
        <RotateDialog
          of={key}
          onClose={close}
          onRotated={(answer) => {
            close()
            setRotated(answer)
            const { key: _, grace_expires_at: __, ...changed } = answer
            show(changed)
          }}
        />
      )}
      {rotated !== null && (
        <SecretReveal
          title="Key rotated"
          writeKey={rotated}
          secret={rotated.key}
          graceExpiresAt={rotated.grace_expires_at}
          onClose={() => setRotated(null)}
        />
      )}
      {(open === 'pause' || open === 'revoke' || open === 'delete') && (
        <KeyEndDialog of={key} action={open} task={{ pause, revoke, delete: remove }[open]} onClose={close} />
      )}
    </>
  )
}

/** What can be done to a key as a whole. */
function useKeyEnds(id: string, name: string, show: (changed: WriteKey) => void, close: () => void) {
  const api = useApi()
  const pause = useTask(async () => {
    show(await api.pauseKey(id))
    close()
  })
  const resume = useTask(async () => show(await api.resumeKey(id)))
  const revoke = useTask(async () => {
    show(await api.revokeKey(id))
    close()
  })
  const remove = useTask(async () => {
    await api.removeKey(id).catch((error) => {
      // Somebody else, or an attempt whose answer got lost, has deleted it.
      if (!isGone(error)) throw error
    })
    say('was deleted, and accepts nothing any more.', name)
    location.hash = '#/'
  })
  return { pause, resume, revoke, remove }
}

function NoKey({ error }: { error: unknown }) {
  return (
    <>
      <Back />
      {error === null ? (
        <p class="loading">Loading…</p>
      ) : isGone(error) ? (
        <Notice level="bad">No key here has this id: it was deleted, or belongs to another workspace.</Notice>
      ) : (
        <ErrorNotice error={error} />
      )}
    </>
  )
}

interface KeyNoticesProps {
  of: WriteKey
  error: unknown
  resumeError: unknown
}

/** What somebody has to know, or do, about this key. */
function KeyNotices({ of: key, error, resumeError }: KeyNoticesProps) {
  const status = statusOf(key, moment.value)
  const days = staleDays(key, moment.value)
  return (
    <>
      {isGone(error) ? (
        <Notice level="bad">
          This key has been deleted. What is shown is from before; it accepts nothing any more.
        </Notice>
      ) : (
        <ErrorNotice error={error} />
      )}
      {status === 'revoked' && (
        <Notice level="bad">
          This key was revoked and accepts nothing any more. Create a new key to go on.
        </Notice>
      )}
      {status === 'paused' && (
        <Notice level="warn">
          This key is paused: senders get 429 and try again for a while, then throw events away. Resume it
          when its events are wanted again.
        </Notice>
      )}
      <ErrorNotice error={resumeError} />
      {status === 'expired' && (
        <Notice level="warn">This key has expired. Change its expiry to go on.</Notice>
      )}
      {days !== null && (
        <Notice level="warn">
          The secret of this key is {days} days old. Rotate write keys at least quarterly.
        </Notice>
      )}
    </>
  )
}

function Back() {
  return (
    <p class="back">
      <a href="#/">← All write keys</a>
    </p>
  )
}
